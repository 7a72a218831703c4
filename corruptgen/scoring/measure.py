"""What a measure declares about itself: what it is, which datasets it is meant for, and how it is computed.

The modules of `corruptgen.scoring.measures` declare ours; another package adds one by an entry point of the group
`corruptgen.measures`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from corruptgen.metrics.grid import Numbers
from corruptgen.runtime.plugins import Registry
from corruptgen.scoring.scored_items import ScoredItems

__all__ = [
    "ANSWERS",
    "ERRORS",
    "FRACTION",
    "FRAMES",
    "HIGHER",
    "LOWER",
    "MEASURES",
    "OWN",
    "PERCENT",
    "PERFORMANCE",
    "SEVERITY",
    "Compute",
    "Measure",
]

BALANCED = "balanced_error"
MEDMNIST = ("medmnist-c/*",)
Compute = Callable[[ScoredItems], Numbers]

FRACTION, PERCENT, SEVERITY, OWN = "fraction", "percent of the baseline", "severity", "its own"
LOWER, HIGHER = "lower", "higher"
ERRORS, ANSWERS, PERFORMANCE, FRAMES = "errors", "answers", "performance", "frames"


@dataclass(frozen=True)
class Measure:
    """One metric."""

    name: str
    """What users write."""
    title: str
    better: str
    compute: Compute
    """Returns (...)."""
    unit: str = FRACTION
    presets: tuple[str, ...] = ("*",)
    """Patterns of the severity tables it is meant for."""
    by_severity: Compute | None = None
    """Returns (..., severities)."""
    by_row: Compute | None = None
    """Returns (..., rows): those of the baseline if it is normalised by one, else those of the dataset."""
    normalised: str = ""
    """What the baseline must have, if it is normalised by one."""
    biased: bool = False
    """Whether resampling shifts it, so that its interval must be shifted back."""
    of: str = ERRORS
    """What it is made of."""
    place: int = 1000
    """Where it stands in reports; those of one place are sorted by name."""

    def fits(self, preset: str) -> bool:
        """Check whether it is meant for a severity table."""
        return any(fnmatchcase(preset, pattern) for pattern in self.presets)


MEASURES: Registry[Measure] = Registry("corruptgen.scoring.measures", Measure, "metric", group="corruptgen.measures")
