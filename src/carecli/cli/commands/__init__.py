"""Commands, one noun a module."""
