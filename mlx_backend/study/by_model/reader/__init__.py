"""Samples written by a model that reads: questions in several genres, with answers of its own.

`genres` says what is asked for, `views` what the model has in view, `prompting` how it is told
and how its replies are parsed. `completing` has it write in batches, `checks` and `judging` decide
what is kept, and `group_writing` leads a few passages through all of it.
"""
