"""The window's pages, one a file. Each gets its collaborators and announces wishes by signals."""
