"""What a forecaster attends to: arrays of attention scores, ready to keep and to draw."""
