"""Study: writing samples about the passages, by rule and with the base model.

`studying` runs the stage. `by_rule` finds what a passage states and asks about it; `by_model`
screens those questions and writes its own. Both save to `library/samples.py`.
"""
