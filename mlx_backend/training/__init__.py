"""LoRA training: token batches in, adapter weights out. It knows no notes, runs or exams."""
