"""One small reader for each format. `registry` lists them in the order in which they are asked."""

READERS_VERSION = 4
"""To be raised when readers give other texts than before: files are then read again."""
