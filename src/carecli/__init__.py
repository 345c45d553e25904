"""One terminal console for customer care: never slow, never lost, never doubled."""

__version__ = "0.1.0"
