"""ftui: decide, prepare, train, watch and prove the fine-tuning of a language model."""

__version__ = "0.1.0"
