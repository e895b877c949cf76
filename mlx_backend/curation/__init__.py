"""Choosing which notes, and which parts of them, are worth training on, with reasons to show.

One file a step. The steps that look at one note run once for each version of it
(`note_analysis`); the steps that compare notes (`duplicates`, `near_duplicates`, `boilerplate`) run
over what is stored about all of them. So curating after each import gives the same result as
curating everything anew.
"""
