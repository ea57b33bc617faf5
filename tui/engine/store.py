"""SQLite: files, jobs, events, checkpoints, models."""
