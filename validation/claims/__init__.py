"""What is claimed to be true of every case, each claim by name."""

from validation.claims import conservation, counts, metamorphic, runtime, transformed
from validation.claims.claim import Claim, Outcome
from validation.claims.observation import REFERENCE_LIMIT, Observation

#: All claims; cheap ones that compare the models first.
CLAIMS: tuple[Claim, ...] = (
    *counts.CLAIMS[:1],
    *runtime.CLAIMS,
    *conservation.CLAIMS,
    *counts.CLAIMS[1:],
    *metamorphic.CLAIMS,
    *transformed.CLAIMS,
)

__all__ = ["CLAIMS", "REFERENCE_LIMIT", "Claim", "Observation", "Outcome"]
