"""Adapters as files: what is checked before one is filed, and exports for other programs."""
