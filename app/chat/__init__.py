"""Chat: ask the model that learned the notes."""
