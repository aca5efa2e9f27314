"""The cycle-level simulator, on SimPy. Never imports the analytical model."""
