"""Base models: the starter, loading, the chat form, adapters on a model, and what it generates."""
