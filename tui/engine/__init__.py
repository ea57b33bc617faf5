"""The embedded fine-tuning server (extra `local`)."""
