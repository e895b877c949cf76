"""The privacy gate: what of the person is in the files and in the adapter that would leave."""
