"""Async services that read files and call servers."""
