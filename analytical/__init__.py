"""The analytical model: time and traffic of a layer in closed form."""

from analytical.assumptions import PUBLISHED, Assumptions
from analytical.model import analyze

__all__ = ["PUBLISHED", "Assumptions", "analyze"]
