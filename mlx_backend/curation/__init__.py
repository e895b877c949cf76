"""Choosing what of the notes is worth teaching: one step a file, each with a reason to show.

Steps that look at one note alone run once for each version of it (`note_facts`); those that compare
notes run over what is kept of all (`duplicates`, `near_duplicates`, `boilerplate`). So curating
after an import gives exactly what curating everything anew would give.
"""
