"""A conversation with one or two models: its turns, streamed answers, how it is described."""
