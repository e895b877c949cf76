"""A run leads a night through its stages: study, plan, training, exam, filing, report."""
