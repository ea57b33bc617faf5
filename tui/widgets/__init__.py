"""Widgets that know the domain alone."""
