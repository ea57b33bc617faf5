"""Starts workers, reads their event files, restarts them."""
