"""Measuring a model: exams about the notes, a probe of general knowledge, and the verdict."""
