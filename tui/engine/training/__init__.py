"""The worker: from a job's folder to its result. It loads torch."""
