"""Chat with models: streamed answers and the chat log."""
