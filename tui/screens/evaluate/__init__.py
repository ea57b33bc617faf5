"""The Evaluate screen."""
