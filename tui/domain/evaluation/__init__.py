"""Comparing two models: test cases, scorers, paired statistics, the stored records."""
