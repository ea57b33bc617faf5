"""Whether to fine-tune at all: the framework, the walk through it, the verdict."""
