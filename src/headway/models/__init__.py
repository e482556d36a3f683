"""The forecaster's network, written in Keras 3 alone: everything inside is scaled."""
