"""Whole-screen surfaces: the desk, and what opens above it."""
