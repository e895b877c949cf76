"""Our own LoRA training: batches, loss, the loop, checkpoints, and the plan made beforehand."""
