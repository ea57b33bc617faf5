"""Widgets that show one job."""
