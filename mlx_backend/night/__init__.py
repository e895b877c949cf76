"""The night around a run: its hours, its turn, the machine's state, and what it takes. No MLX."""
