"""The HTTP face: requests, refusals, and OpenAI's objects as answers."""
