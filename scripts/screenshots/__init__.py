"""Pictures of every page, and the recorded runs and conversations that they show."""
