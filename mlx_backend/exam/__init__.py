"""What a model knows: closed-book questions, a general probe, and the verdict on a run."""
