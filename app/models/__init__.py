"""Models: what training can start from."""
