"""Data-parallel training on several machines: the first leads, the others compute their shares."""
