"""Async services: the rooms that read files and call servers."""
