"""Base models: the starter, downloading, loading, the chat form, adapters on them, generation."""
