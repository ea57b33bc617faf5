"""Dialogs of the Data screen."""
