"""The HTTP face: OpenAI's paths and error envelope."""
