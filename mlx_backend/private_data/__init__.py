"""Secrets and private data in notes: finding and masking them. Nothing here stores a value.

`scan` finds them and imports all rules; `masking` and `private_span` are light and import none.
"""
