"""Servers of the fine-tuning protocol: kinds, capabilities, models, hyperparameters."""
