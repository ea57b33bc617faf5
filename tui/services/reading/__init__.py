"""Files to rows: containers, decompression, JSON, CSV, line offsets."""
