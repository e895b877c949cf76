"""Answers from the notes: finding passages, quoting them, putting them before the question."""
