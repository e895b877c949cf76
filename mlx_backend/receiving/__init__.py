"""Taking in adapters that others made: checked, tried in a process of its own, and filed."""
