"""Samples written by the base model itself, and the filters that check them."""
