"""The trial of a model, in a process of its own: what it can, and whether it harms."""
