"""Conversion between the formats of training rows, in both directions."""
