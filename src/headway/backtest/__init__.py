"""Backtests: a forecaster judged at many origins in time, as if each were today."""
