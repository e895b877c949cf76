"""Icons and sample notes that come with Overnight."""
