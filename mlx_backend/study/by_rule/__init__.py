"""Samples written by rule, from the grammar and the form of what passages state."""
