"""Training on several machines at once: the first leads, the others compute their shares."""
