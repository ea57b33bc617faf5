"""Headless commands, one file each: parse, call a service, print."""
