"""Shipped networks, dataflows, machines and technologies: data only."""
