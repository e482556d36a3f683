"""Headway: attention-based forecasters for time series, trained with Keras and judged honestly."""
