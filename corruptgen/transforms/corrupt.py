"""The corruptions of a severity table as a transform."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from corruptgen import catalog
from corruptgen.cell import Cell
from corruptgen.declare import Warp
from corruptgen.errors import ImageError, SeverityError, UnknownName
from corruptgen.imaging.label_masks import moved_labels
from corruptgen.imaging.pixels import SampleFormat
from corruptgen.randomness import Stream, rng_for
from corruptgen.table import Preset
from corruptgen.transforms.draw import Draw
from corruptgen.transforms.pictures import Samples, opened
from corruptgen.transforms.transform import Transform, call_of

Severity = float | tuple[float, float] | str

ALL = "all"
# What torchvision calls the things that move with the pixels.
MOVING_TARGETS = ("BoundingBoxes", "KeyPoints", "Mask")


class Corrupt(Transform):
    """Corrupt pictures by a row of a severity table that is drawn for each of them.

    Parameters
    ----------
    preset : a built-in severity table, as `corruptgen.presets()` lists them, or the path of a .toml of your own
    rows : the rows and groups of rows to draw from; None: all of them; one name is a list of one
    severity : a number: always that one; a pair: any real number between the two; "all": one of the table's levels
    p, seed, eight_bits : see `Transform`

    Raises
    ------
    UnknownName
        If there is no such preset or row.
    SeverityError
        If a row has no such severity, or p is no share.
    """

    def __init__(
        self,
        preset: str,
        rows: str | Sequence[str] | None = None,
        severity: Severity = ALL,
        p: float = 1.0,
        seed: int | None = None,
        *,
        eight_bits: bool = True,
    ) -> None:
        super().__init__(p, seed, eight_bits)
        table = catalog.preset(str(preset))
        chosen = list(table.rows) if rows is None else table.named_rows([rows] if isinstance(rows, str) else rows)
        if not chosen:
            raise UnknownName("rows is empty; name at least one row or group, or leave it out for all")
        self.preset = str(preset)
        self.rows = tuple(chosen)
        self.severity = _severity(severity)
        self._levels = table.levels
        _check_rows(table, self.rows, self.severity)

    def moves(self, draw: Draw) -> bool:
        """Tell whether a draw moves pixels, and with them what masks and boxes are about."""
        return self._cell(draw).is_geometric

    def warp(self, image: Any, draw: Draw) -> Warp | None:
        """Give the warp by which `apply` moves the pixels of one picture; None if it leaves them where they are."""
        cell, picture = self._cell(draw), opened(image, self.eight_bits)
        return cell.warp(picture.frames[0], self._rng(draw), picture.form) if cell.is_geometric else None

    def apply_to_mask(self, mask: Any, draw: Draw) -> Any:
        """Move a label mask as `apply` moves the picture: each pixel takes the label nearest to where it comes from.

        Parameters
        ----------
        mask : array of shape (H, W) or (H, W, C), or torch tensor of shape (..., H, W), of any type
        draw : of the picture
        """
        cell = self._cell(draw)
        if not cell.is_geometric:
            return mask
        if isinstance(mask, np.ndarray):
            return moved_labels(mask, self._warp_of_size(cell, mask.shape[:2], draw))
        if not hasattr(mask, "permute"):
            raise ImageError(f"the mask is a {type(mask).__name__}; give a numpy array or a torch tensor")
        labels = np.moveaxis(mask.detach().cpu().numpy().reshape(-1, *mask.shape[-2:]), 0, -1)
        moved = moved_labels(labels, self._warp_of_size(cell, labels.shape[:2], draw))
        return mask.new_tensor(np.moveaxis(moved, -1, 0).reshape(tuple(mask.shape)))

    def _chosen(self, rng: Stream) -> tuple[str, float]:
        row = self.rows[rng.integers(len(self.rows))]
        if self.severity == ALL:
            return row, float(1 + rng.integers(self._levels))
        if isinstance(self.severity, tuple):
            return row, rng.uniform(*self.severity)
        return row, float(self.severity)

    def _changed(self, samples: Samples, form: SampleFormat, draw: Draw) -> Samples:
        return self._cell(draw).apply(samples, self._rng(draw), form)

    def _cell(self, draw: Draw) -> Cell:
        return catalog.preset(self.preset).cell(draw.row, draw.severity)

    def _rng(self, draw: Draw) -> Stream:
        return rng_for(draw.seed, draw.row, draw.severity, draw.key)

    def _warp_of_size(self, cell: Cell, size: Sequence[int], draw: Draw) -> Warp:
        # Where pixels go depends on the size of the picture and on the draws alone.
        return cell.warp(np.zeros((*size, 1), np.uint8), self._rng(draw))

    def _check(self, draws: Sequence[Draw], others: Sequence[Any]) -> None:
        moving = [draw.row for draw in draws if self.moves(draw)] if _has_moving_target(others) else []
        if moving:
            raise ImageError(
                f"{moving[0]} moves pixels, and masks, boxes or points came with the picture; leave such rows out, "
                "or call draw(), apply() and apply_to_mask() yourself"
            )

    def __repr__(self) -> str:
        return call_of(self, preset=self.preset, rows=list(self.rows), severity=self.severity, p=self.p, seed=self.seed)


def _severity(severity: Any) -> Severity:
    """Check what kind of severity this is; whether the rows have it, the table says."""
    ends = tuple(severity) if isinstance(severity, tuple | list) else (severity,)
    numbers = all(isinstance(end, int | float | np.number) and not isinstance(end, bool) for end in ends)
    if severity == ALL or (numbers and len(ends) == 1):
        return ALL if severity == ALL else float(ends[0])
    if not numbers or len(ends) != 2 or not ends[0] < ends[1]:
        raise SeverityError(f'severity is {severity!r}; give a number, a pair (low, high) with low < high, or "all"')
    return float(ends[0]), float(ends[1])


def _check_rows(table: Preset, rows: Sequence[str], severity: Severity) -> None:
    """Raise `SeverityError` if one of the rows does not have every severity that may be drawn."""
    if isinstance(severity, tuple):
        without = [row for row in rows if not table.row(row).clean]
        if without and severity[0] < 1:
            raise SeverityError(
                f"severity is {severity!r}, and {', '.join(without)} of {table.name} cannot be weaker than level 1, "
                "because the table gives no clean values for them; begin at 1, or leave them out of rows"
            )
    ends = severity if isinstance(severity, tuple) else (1.0 if isinstance(severity, str) else severity,)
    for row in rows:
        for end in ends:
            table.cell(row, end)


def _has_moving_target(thing: Any) -> bool:
    """Tell whether a label holds something of torchvision that would have to move with the pixels."""
    if "torchvision.tv_tensors" not in sys.modules:
        return False
    if isinstance(thing, Mapping):
        return any(map(_has_moving_target, thing.values()))
    if isinstance(thing, list | tuple):
        return any(map(_has_moving_target, thing))
    return type(thing).__name__ in MOVING_TARGETS
