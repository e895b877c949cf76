"""Notes: what there is to learn from."""
