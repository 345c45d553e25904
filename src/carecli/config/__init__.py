"""Configuration: where files are, which settings exist, what they are and where each value came from."""
