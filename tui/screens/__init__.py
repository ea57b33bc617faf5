"""The four screens of the loop: decide, data, jobs, evaluate."""
