"""From what study wrote to the dataset of a run: training samples, and held-out questions.

`compose` puts together what the other modules make: `facts` (what the notes state, in many
wordings), `linked_notes` (what linked notes state together), `note_texts` (their text as it
stands), `reader_samples` (what a model that reads wrote, with and without the passages in view),
`not_in_notes` (what is to be declined), `general_samples` (the model's own general answers, against
forgetting). `held_out` keeps questions for the exam.
"""
