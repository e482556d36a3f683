"""Fitting a network: batches in, weights and a history out."""
