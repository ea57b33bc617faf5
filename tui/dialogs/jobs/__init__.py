"""Dialogs of the Jobs screens."""
