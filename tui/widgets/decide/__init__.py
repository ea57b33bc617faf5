"""Widgets of the Decide screen."""
