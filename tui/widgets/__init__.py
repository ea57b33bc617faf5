"""Widgets; they import only the domain."""
