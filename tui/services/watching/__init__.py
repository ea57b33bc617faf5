"""Following jobs: polling, pagination, rate limits, the list of all jobs."""
