"""A fine-tuning job: its records, the view folded from them, its curves, pace and health."""
