"""Texts in the window: numbers in words, and which way a text runs."""
