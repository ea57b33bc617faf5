"""Writing rows to new files: splits, manifests, files that appear together."""
