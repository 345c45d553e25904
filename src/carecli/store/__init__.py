"""The local store: one SQLite file that holds everything a person sees and does."""
