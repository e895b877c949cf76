"""The machine: what MLX computes on, how many cores, and corrections of pinned libraries."""
