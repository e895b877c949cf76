"""Answering from the notes.

`retrieval` finds passages for a question. `answering` has a model that reads word the answer from
them (`grounding` puts them into the prompt); other models choose a statement to quote (`quoting`).
"""
