"""A request for a job and its forecast: steps, price, time."""
