"""Adapters: what trainings made."""
