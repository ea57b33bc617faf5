"""Stored decisions and the framework file."""
