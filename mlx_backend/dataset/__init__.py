"""From what study wrote to the dataset of a run: training samples, and held-out questions.

`compose` puts together what the other modules make: `facts` (what the notes state, in many
wordings), `linked_notes` (what linked notes state together), `note_texts` (their text as it
stands), `grounded_samples` (answering from passages, and declining), `general_samples` (the
model's own general answers, against forgetting). `held_out` keeps questions for the exam.
"""
