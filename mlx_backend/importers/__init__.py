"""From files to notes: one small reader per format, a walk over folders, and the import itself."""
