"""Design-space exploration: spaces of machines and dataflows, swept or searched, and their best designs simulated."""
