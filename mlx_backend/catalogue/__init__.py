"""Which base models there are to choose: the catalogue, and those found on this machine."""
