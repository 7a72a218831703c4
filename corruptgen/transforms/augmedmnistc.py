"""The augmentation of MedMNIST-C as a transform."""

from collections.abc import Sequence
from dataclasses import dataclass

from corruptgen.errors import ImageError
from corruptgen.randomness import Streams, rng_for
from corruptgen.tables import augmentation, catalog
from corruptgen.tables.cell import Cell
from corruptgen.tables.interpolation import Value
from corruptgen.transforms.corrupt import ALL, Corrupt
from corruptgen.transforms.draw import Draw
from corruptgen.transforms.transform import call_of


@dataclass(frozen=True)
class ParameterDraw(Draw):
    """A row with parameters that no level of the table has; its severity is 1, or 0 where nothing happens.

    Unless `p` left the picture alone, the same pixels are those of
    `corruptgen.tables.augmentation.augment(image, preset, seed=draw.seed, key=draw.key, rows=...)`.
    """

    parameters: tuple[tuple[str, Value], ...] = ()
    """Names and values."""


class AugMedMNISTC(Corrupt):
    """Corrupt pictures by one row of a table or none, each equally often, at parameters between its ends.

    What `corruptgen.tables.augmentation` does, for pipelines.

    Parameters
    ----------
    preset : str
        A severity table, such as "medmnist-c/pathmnist".
    rows : str or sequence of str or None
        The rows and groups of rows to draw from; None: all.
    p : float, default 1.0
        Share of the pictures that a draw is made for; the original's is 1, of which the share 1 / (rows + 1) stays as
        it is.
    seed, eight_bits : int or None, bool
        See `Transform`.

    Raises
    ------
    UnknownName
        If there is no such preset or row.

    References
    ----------
    Di Salvo, Doerrich & Ledig 2024, https://arxiv.org/abs/2406.17536

    Examples
    --------
    >>> import numpy as np
    >>> image = np.full((224, 224, 3), 128, np.uint8)
    >>> transform = AugMedMNISTC("medmnist-c/dermamnist", ["brightness_up"], seed=1)
    >>> transform(image, key="a.png").shape
    (224, 224, 3)
    """

    def __init__(
        self,
        preset: str,
        rows: str | Sequence[str] | None = None,
        p: float = 1.0,
        seed: int | None = None,
        *,
        eight_bits: bool = True,
    ) -> None:
        super().__init__(preset, rows, ALL, p, seed, eight_bits=eight_bits)

    def _drawn(self, key: str) -> ParameterDraw:
        decision = super()._drawn(key)
        rng = rng_for(decision.seed, augmentation.NAME, None, key)
        cell = augmentation.draw(catalog.preset(self.preset), rng, self.rows)
        is_changed = decision.severity and cell.corruption
        return ParameterDraw(cell.row, 1.0 if is_changed else 0.0, key, decision.seed, tuple(cell.parameters.items()))

    def _cell(self, draw: Draw) -> Cell:
        if not isinstance(draw, ParameterDraw):
            raise ImageError(f"the draw {draw} has no parameters; pass one that draw() of this transform has made")
        table = catalog.preset(self.preset)
        if not draw.severity:
            return augmentation.identity(table)
        return augmentation.cell_of(table, draw.row, dict(draw.parameters))

    def _rng(self, draw: Draw) -> Streams:
        return Streams(draw.seed, draw.key, paired=True)

    def __repr__(self) -> str:
        return call_of(self, preset=self.preset, rows=list(self.rows), p=self.p, seed=self.seed)
