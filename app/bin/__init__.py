"""The bin: what was deleted, and comes back or goes for good."""
