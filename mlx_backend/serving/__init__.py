"""The local server: an OpenAI-compatible interface on loopback, with adapters as model names."""
