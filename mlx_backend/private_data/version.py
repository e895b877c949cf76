"""The version of the rules, in a module that imports none of them."""

RULES_VERSION = 2
"""Raise it when the rules or the masking change: all notes and samples are then scanned again."""
