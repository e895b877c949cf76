"""One small reader for each file format. `registry` lists the formats, in order of precedence."""

READERS_VERSION = 5
"""Raise it when readers give different texts than before: all files are then read again."""
