"""Training a job in a worker process, from its folder to the result. Loads torch."""
