"""The sizes of images that a severity table holds for."""

from dataclasses import dataclass

from corruptgen.errors import ImageError


@dataclass(frozen=True)
class Sizes:
    """The image sizes that a severity table holds for."""

    preset: str
    allowed: tuple[tuple[int, int], ...] = ()
    """(height, width) pairs; empty: any size from `smallest` up."""
    smallest: tuple[int, ...] = (1, 1)
    others: str = ""
    """What to use for other sizes, in words."""
    reference_side: int | None = None
    """The shorter side, in pixels, that scaled parameters are given for."""

    def check(self, height: int, width: int) -> None:
        """Raise `ImageError` if the table does not hold for images of this size."""
        if self.allowed and (height, width) not in self.allowed:
            allowed = " or ".join(f"{h}×{w}" for h, w in self.allowed)
        elif height < self.smallest[0] or width < self.smallest[1]:
            allowed = f"at least {self.smallest[0]}×{self.smallest[1]}"
        else:
            return
        advice = f"; for other sizes use {self.others}" if self.others else ""
        raise ImageError(f"{self.preset} is for images of {allowed} pixels, found {height}×{width}{advice}")

    def factor(self, height: int, width: int) -> float:
        """Return what scaled parameters are multiplied by for an image of this size."""
        return min(height, width) / self.reference_side if self.reference_side else 1.0
