"""Fixes for rows and lines whose meaning is certain."""
