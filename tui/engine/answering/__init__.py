"""The process that answers chat requests; `process` is the server's side of it."""
