"""Training data: where each set lives, its checksum, and how it becomes tensors."""
