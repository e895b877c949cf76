"""What a model's files must be, found without loading them: configuration, weights, tokenizer."""
