"""The demo: a believable support desk without a network."""
