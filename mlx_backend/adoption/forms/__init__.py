"""Other forms of a model: quantised weights, and a tokenizer.json of a SentencePiece file."""
