"""The analytical model: time and traffic of a layer in closed form. Never imports the simulator."""

from analytical.assumptions import NAMES, PUBLISHED, REFINED, Assumptions
from analytical.model import Analysis, analyze, analyze_mapping
from analytical.sweeping import Sweep, sweep

__all__ = ["NAMES", "PUBLISHED", "REFINED", "Analysis", "Assumptions", "Sweep", "analyze", "analyze_mapping", "sweep"]
