"""Running comparisons of two models and storing every case."""
