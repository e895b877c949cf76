"""Where a model to adopt lies, and how its files come into the library without a second copy."""
