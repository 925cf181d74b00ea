"""Training: settings, batches, the objective's step, checkpoints, the loop."""
