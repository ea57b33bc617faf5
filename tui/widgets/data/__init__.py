"""Widgets that show rows, problems and statistics."""
