"""The HTTP API: routes, validation, errors, and OpenAI's objects as responses."""
