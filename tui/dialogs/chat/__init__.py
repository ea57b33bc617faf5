"""Dialogs of the chat screen."""
