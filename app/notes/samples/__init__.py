"""Samples: what study wrote about the notes."""
