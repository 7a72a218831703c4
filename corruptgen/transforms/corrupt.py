"""The corruptions of a severity table as a transform."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from corruptgen.assets.textures import check_pictures, needed_pictures
from corruptgen.codecs.pixels import SampleFormat
from corruptgen.declare import Warp
from corruptgen.errors import ArgumentError, ImageError, SeverityError, UnknownName
from corruptgen.randomness import Stream, Streams
from corruptgen.sources.label_masks import move_labels
from corruptgen.tables import catalog
from corruptgen.tables.cell import Cell
from corruptgen.tables.table import Preset
from corruptgen.transforms.draw import Draw
from corruptgen.transforms.pictures import Frames, Samples, take_apart
from corruptgen.transforms.targets import (
    Motion,
    check_inputs,
    check_movable,
    check_uncropped,
    has_targets,
    move_targets,
)
from corruptgen.transforms.transform import Transform, call_of
from corruptgen.values.arguments import normalise_severity, preset_name, real_number, row_names, shown

Severity = float | tuple[float, float] | str

ALL = "all"


class Corrupt(Transform):
    """Corrupt pictures by a row of a severity table that is drawn for each of them.

    Parameters
    ----------
    preset : str
        A built-in severity table, as `corruptgen.presets()` lists them, or the path of a .toml of your own.
    rows : str or sequence of str or None
        The rows and groups of rows to draw from; None: all of them; one name is a list of one.
    severity : Severity
        A number: always that one; a pair: any real number between the two; "all": one of the table's levels.
    p, seed, eight_bits : float, int or None, bool
        See `Transform`.

    Raises
    ------
    UnknownName
        If there is no such preset or row.
    SeverityError
        If a row has no such severity, or p is no share.
    ArgumentError
        If another argument is of a kind that is not allowed.
    ImageError
        If one of the rows makes sequences of frames.
    AssetError
        If a picture that one of the rows needs, such as one of frost, is missing.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.full((64, 64, 3), 128, np.uint8)
    >>> transform = Corrupt("natural", ["fog", "brightness"], severity=(1, 5), seed=1)
    >>> transform(image, key="a.png").shape
    (64, 64, 3)
    >>> draw = transform.draw("a.png")
    >>> np.array_equal(transform.apply(image, draw), transform(image, key="a.png"))
    True
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
        self.preset, names = preset_name(preset), row_names(rows)
        table = catalog.preset(self.preset)
        chosen = list(table.rows) if names is None else table.named_rows(names)
        if not chosen:
            raise UnknownName("rows is empty; name at least one row or group, or leave it out for all")
        self.rows = tuple(chosen)
        if sequences := [row for row in chosen if table.row(row).is_sequence]:
            raise ImageError(
                f"{', '.join(sequences)} of {table.name} make sequences of frames, and a transform makes one picture "
                "of a picture; use corruptgen.transforms.Corrupted or corruptgen.frames, or name other rows"
            )
        for row in chosen:
            check_inputs(self.preset, row, table.row(row).inputs)
        self.severity = _severity(severity)
        self._levels = {row: table.row(row).level_count for row in self.rows}
        _check_rows(table, self.rows, self.severity)
        self.moving_rows = tuple(row for row in self.rows if table.row(row).is_geometric)
        self.cropping_rows = tuple(row for row in self.rows if table.row(row).crops_or_resizes)

    def moves(self, draw: Draw) -> bool:
        """Check whether a draw moves pixels, and with them what masks and boxes are about."""
        return self._cell(draw).is_geometric

    def warp(self, image: Any, draw: Draw) -> Warp | None:
        """Return the warp by which `apply` moves the pixels of one picture; None if it leaves them where they are."""
        cell, picture = self._cell(draw), take_apart(image, self.eight_bits)
        return cell.warp(picture.frames[0], self._rng(draw), picture.form) if cell.is_geometric else None

    def motion(self, size: tuple[int, int], draw: Draw) -> Motion | None:
        """Return how boxes, points and masks on a picture of (height, width) `size` move; None if they stay."""
        cell = self._uncropped(draw)
        return Motion(self._warp_of_size(cell, size, draw), size) if cell.is_geometric else None

    def apply_to_mask(self, mask: Any, draw: Draw) -> Any:
        """Move a label mask as `apply` moves the picture: each pixel takes the label nearest to where it comes from.

        Parameters
        ----------
        mask : object
            Array of shape (H, W) or (H, W, C), or torch tensor of shape (..., H, W), of any type.
        draw : Draw
            Draw of the picture.

        Raises
        ------
        ImageError
            If it is no such mask.
        """
        cell = self._uncropped(draw)
        if not cell.is_geometric:
            return mask
        if mask.ndim not in (2, 3) if isinstance(mask, np.ndarray) else getattr(mask, "ndim", 2) < 2:
            raise ImageError(f"the mask has shape {tuple(mask.shape)}; pass (H, W), (H, W, C) or a tensor (..., H, W)")
        if isinstance(mask, np.ndarray):
            return move_labels(mask, self._warp_of_size(cell, mask.shape[:2], draw))
        if not hasattr(mask, "permute"):
            raise ImageError(f"the mask is a {type(mask).__name__}; pass a numpy array or a torch tensor")
        labels = np.moveaxis(mask.detach().cpu().numpy().reshape(-1, *mask.shape[-2:]), 0, -1)
        moved = move_labels(labels, self._warp_of_size(cell, labels.shape[:2], draw))
        return mask.new_tensor(np.moveaxis(moved, -1, 0).reshape(tuple(mask.shape)))

    def _chosen(self, rng: Stream) -> tuple[str, float]:
        row = self.rows[rng.integers(len(self.rows))]
        if self.severity == ALL:
            return row, float(1 + rng.integers(self._levels[row]))
        if isinstance(self.severity, tuple):
            return row, rng.uniform(*self.severity)
        return row, float(self.severity)

    def _changed(self, samples: Samples, form: SampleFormat, draw: Draw) -> Samples:
        return self._cell(draw).apply(samples, self._rng(draw), form)

    def _left(self, samples: Samples, form: SampleFormat, draw: Draw) -> Samples:
        cell = self._cell(draw)
        return cell.clean_image(samples, form) if cell.staging.changes else samples.copy()

    def _uncropped(self, draw: Draw) -> Cell:
        """Return the cell of a draw, for what belongs to a picture and does not follow if that is cropped."""
        cell = self._cell(draw)
        if cell.crops_or_resizes:
            raise ImageError(
                f"{draw.row} of {self.preset} crops or resizes pictures, which boxes, points and masks do not follow; "
                "take a table that takes images as they are, or leave them out"
            )
        return cell

    def _cell(self, draw: Draw) -> Cell:
        if not isinstance(draw, Draw):
            raise ArgumentError(f"draw is {shown(draw)}; pass a result of draw()")
        return catalog.preset(self.preset).cell(draw.row, draw.severity)

    def _rng(self, draw: Draw) -> Streams:
        return Streams(draw.seed, draw.key)

    def _warp_of_size(self, cell: Cell, size: Sequence[int], draw: Draw) -> Warp:
        # Where pixels go depends on the size of the picture and on the draws alone.
        return cell.warp(np.zeros((*size, 1), np.uint8), self._rng(draw))

    def _check(self, picture: Frames, others: Sequence[Any]) -> None:
        # At the first call, whatever is drawn then.
        if self.cropping_rows and others:
            check_uncropped(others, self.cropping_rows[0])
        if not self.moving_rows or not others:
            return
        try:
            check_movable(others)
        except ImageError as error:
            raise ImageError(f"{self.moving_rows[0]} moves pixels: {error}") from None
        if picture.is_batch and has_targets(others):
            raise ImageError(
                f"{self.moving_rows[0]} moves pixels, and boxes, points or masks came with a batch of pictures, each "
                "of which moves in its own way; corrupt before you make batches, or leave out the rows that move pixels"
            )

    def _carried(self, picture: Frames, draws: Sequence[Draw], others: Sequence[Any]) -> Sequence[Any]:
        if not self.moving_rows or not has_targets(others):
            return others
        motion = self.motion((picture.frames[0].shape[0], picture.frames[0].shape[1]), draws[0])
        return others if motion is None else [move_targets(other, motion) for other in others]

    def _uncovered(self, alpha: Samples, draw: Draw) -> Samples:
        return self._cell(draw).apply(alpha, self._rng(draw)) if self.moves(draw) else alpha

    def __getstate__(self) -> dict[str, Any]:
        # A worker that is spawned has another catalog.
        return {**super().__getstate__(), "_registered": catalog.registered(catalog.preset(self.preset), self.rows)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        catalog.adopt(state.pop("_registered"))
        self.__dict__.update(state)

    def __repr__(self) -> str:
        return call_of(self, preset=self.preset, rows=list(self.rows), severity=self.severity, p=self.p, seed=self.seed)


def _severity(severity: Any) -> Severity:
    """Check what kind of severity this is; whether the rows have it, the table states."""
    if isinstance(severity, str) and severity == ALL:
        return ALL
    if real_number(severity) is not None:
        return normalise_severity(severity)
    ends = tuple(severity) if isinstance(severity, tuple | list) else ()
    if len(ends) != 2 or None in map(real_number, ends) or not ends[0] < ends[1]:
        raise SeverityError(
            f'severity is {shown(severity)}; pass a number, a pair (low, high) with low < high, or "all"'
        )
    return normalise_severity(ends[0]), normalise_severity(ends[1])


def _check_rows(table: Preset, rows: Sequence[str], severity: Severity) -> None:
    """Raise `SeverityError` if a row lacks a severity that may be drawn, `AssetError` if it lacks its pictures."""
    if isinstance(severity, tuple):
        without = [row for row in rows if not table.row(row).reaches_zero]
        if without and severity[0] < 1:
            raise SeverityError(
                f"severity is {severity!r}, and {', '.join(without)} of {table.name} cannot be weaker than level 1, "
                "because the table has no clean values for them; begin at 1, or leave them out of rows"
            )
    ends = severity if isinstance(severity, tuple) else (1.0 if isinstance(severity, str) else severity,)
    for row in rows:
        for end in ends:
            table.cell(row, end)
    levels = [level for row in rows for level in table.row(row).uses]
    for needed in {needed_pictures(level.corruption.function, level.parameters) for level in levels}:
        if needed is not None:
            check_pictures(*needed)
