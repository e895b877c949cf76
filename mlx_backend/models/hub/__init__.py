"""The Hugging Face Hub: what a repository holds, fetching so that no byte is lost, publishing."""
