"""From files to notes: a small reader for each format, a walk over folders, and the import."""
