"""Dialogs of the Evaluate screen."""
