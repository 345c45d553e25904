"""Drawing surfaces that know nothing of customer care."""
