"""The naive reference, generated cases and the comparison of the models."""
