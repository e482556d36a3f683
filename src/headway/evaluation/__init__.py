"""Judging forecasts: arrays and callables in, tables out. Knows neither data nor models."""
