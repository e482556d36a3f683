"""Two stored runs side by side: their skill on the same windows, their heads, and what they were set to."""
