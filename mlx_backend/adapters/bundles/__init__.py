"""Bundles: one file (.overnight) with an adapter and all that belongs to it."""
