"""From what study wrote to what a run trains on: samples in chat form, and those set aside.

`compose` puts together what the other modules make: `facts` (what the notes state, in many
wordings), `wholes` (their text as it stands), `grounded` (reading and declining), `upkeep` (what
the model already could).
"""
