"""Training runs: seeds, batches, checkpoints, files of runs, snapshots."""
