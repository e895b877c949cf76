"""When a run may compute: its hours, its turn, the state of the machine. No MLX."""
