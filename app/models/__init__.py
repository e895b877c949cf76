"""Models: what a training can start from."""
