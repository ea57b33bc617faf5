"""Checks over a whole file: worker processes, passes over rows, cached reports."""
