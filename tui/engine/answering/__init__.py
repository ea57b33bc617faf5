"""The inference process for chat requests; `process` and `protocol` are the server's side."""
