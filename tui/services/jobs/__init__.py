"""Steering jobs: cancel, pause, resume, stop; comparing runs; notifications."""
