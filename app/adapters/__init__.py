"""Adapters: what training made."""
