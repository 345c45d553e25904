"""Use cases: what people and scripts can do, each a verb on a noun."""
