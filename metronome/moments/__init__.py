"""Moments of a layer: what was recorded around them, what is where, and why."""
