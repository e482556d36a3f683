"""What a user may set: typed specs of every configuration group. Imports nothing heavy."""
