"""Text below the engine: words, the dictionary, and how texts are folded, cut and compared."""
