"""The folder `.ftui/`: atomic files, append-only logs, the history of each job."""
