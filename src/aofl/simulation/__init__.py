"""The run on the disk: dynamics, records, checkpoints, rewinds."""
