"""From a file to batches: sources, contract, splits, scaling, windows and calendar. Knows no model."""
