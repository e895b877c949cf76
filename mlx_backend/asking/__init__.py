"""Answering from the notes.

`retrieval` finds passages for a question, by words and by `meaning`; `follow_up` says what to look
for in a conversation, and `sources` joins what was found. `answering` has a model that reads word
the answer from them: `grounding` puts them into the prompt, and `answerability` asks whether they
tell it. Other models choose a statement to quote (`quoting`).
"""
