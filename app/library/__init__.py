"""What the window does with the library: off its own thread, and so that it can be undone."""
