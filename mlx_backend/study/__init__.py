"""Study: writing samples about the passages, by rule from their structure and with the base model.

A note goes through `statements` -> `answers` -> `questions` and `writer` -> `filters` -> `store`.
"""
