"""Takes base models into the library: checks, a trial in a process of its own, filing."""
