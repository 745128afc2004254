"""The search: pure functions of (sweep, runs so far, seed); no I/O and no clock."""

from sweepcnn.search.points import point_key
from sweepcnn.search.space import obstacles
from sweepcnn.search.suggest import needs_model, suggest
from sweepcnn.search.trial import Suggestion, Trial

__all__ = ["Suggestion", "Trial", "needs_model", "obstacles", "point_key", "suggest"]
