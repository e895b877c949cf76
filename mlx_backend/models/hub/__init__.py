"""The Hugging Face Hub: what a repository holds, and fetching its files so that no byte is lost."""
