"""The engine and the command line of Overnight. Nothing in here imports Qt."""

__version__ = "0.1.0"
