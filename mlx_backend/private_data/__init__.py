"""Secrets and private data in notes: finding and masking them. Nothing here keeps a value.

`scan` finds, with all its rules; `masking` and `finding` are light and need none of them.
"""
