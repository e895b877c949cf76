"""The Hugging Face Hub: what a repository holds, fetching its files so that no byte is lost, publishing."""
