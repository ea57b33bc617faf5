"""`/v1/fine_tuning/jobs`: creation, methods, lists."""
