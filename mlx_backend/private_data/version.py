"""The version of what is looked for, without the rules themselves."""

RULES_VERSION = 2
"""Of the rules and of what is masked by them: a higher one looks again at notes and at samples."""
