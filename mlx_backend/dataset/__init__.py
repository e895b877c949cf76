"""From what study wrote to the dataset of a run: training samples, and held-out questions.

`compose` puts together what the other modules make: `facts` (what the notes state, in many
wordings), `linked_notes` (what linked notes state together), `wholes` (their text as it stands),
`reading` (answering from passages, and declining), `upkeep` (the model's own general answers,
against forgetting). `held_out` keeps questions for the exam.
"""
