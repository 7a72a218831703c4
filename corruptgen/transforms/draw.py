"""What chance decided about one image: a small value that can be kept, compared, logged and applied again."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Draw:
    """A cell and the name of the draws in it.

    Of `Corrupt`, `corruptgen.corrupt(image, draw.row, draw.severity, seed=draw.seed, key=draw.key)`, with the preset of
    the transform, produces the same pixels.
    """

    row: str
    """The row; of a mixing transform its own name."""
    severity: float
    """0: the image is left alone."""
    key: str
    """The name of the image, or fresh random digits."""
    seed: int = 0

    def numbered(self, number: int) -> "Draw":
        """Return the draw of one image of several that share this one: the same cell, other noise."""
        return replace(self, key=f"{self.key}/{number}")
