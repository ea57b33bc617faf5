"""Clients of the servers: profiles, keys, probing, failures, the embedded engine."""
