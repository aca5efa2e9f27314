"""The analytical model: time and traffic of a layer in closed form. Never imports the simulator."""

from analytical.assumptions import NAMES, PUBLISHED, REFINED, Assumptions
from analytical.model import Analysis, analyze, analyze_mapping

__all__ = ["NAMES", "PUBLISHED", "REFINED", "Analysis", "Assumptions", "analyze", "analyze_mapping"]
