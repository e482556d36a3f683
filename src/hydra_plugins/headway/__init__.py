"""Headway as a plug-in of Hydra: its sweeper."""
