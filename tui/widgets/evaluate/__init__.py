"""Widgets that show a comparison and its cases."""
