"""`/v1/chat/completions`: requests, model lookup, streamed chunks."""
