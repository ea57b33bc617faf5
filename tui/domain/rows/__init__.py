"""Training rows: formats, parsing, problems, filters, edits, statistics."""
