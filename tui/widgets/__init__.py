"""Widgets; of the layers they import the domain alone."""
