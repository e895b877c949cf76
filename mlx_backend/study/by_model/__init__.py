"""Samples written by the base model, and its screening of the rules' questions.

`group_writing` has `writer` write about a few passages at once, and `filters` check every draft.
"""
