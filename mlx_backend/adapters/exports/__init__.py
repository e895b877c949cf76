"""Exports of adapters to other programs, each read back and compared before it is kept."""
