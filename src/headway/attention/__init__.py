"""What a forecaster attends to: maps of attention scores, and what heads, layers and groups of windows make of them."""
