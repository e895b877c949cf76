"""Settings, built from their declaration."""
