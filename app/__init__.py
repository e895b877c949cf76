"""The window. Qt only: it talks to the engine through the library, jobs and a worker process."""
