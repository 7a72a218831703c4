"""Predictions of frames: what a model said about each image of every sequence, checked and put into order."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from corruptgen.errors import ScoreError, unknown
from corruptgen.metrics import sequences
from corruptgen.metrics.grid import Numbers, cell_name
from corruptgen.scoring.ground_truth import CLEAN, GroundTruth
from corruptgen.scoring.prediction_files import Batch, Stacked
from corruptgen.sinks.arrays import array_stem
from corruptgen.store.names import printable
from corruptgen.tables.table import Preset
from corruptgen.values.arguments import DECIMALS, severity_text
from corruptgen.values.class_labels import NO_CLASS

FRAME = re.compile(r"[0-9]{1,9}")
HARDEST = 3  # the greatest stride that frames are compared at
CellName = tuple[str, float]
"""A row and a severity."""


@dataclass(frozen=True, eq=False)
class FramePredictions:
    """What a model said about the frames of every sequence."""

    truth: GroundTruth
    classes: Mapping[CellName, NDArray[np.int64]]
    """(items, frames) by the cell."""
    tops: Mapping[CellName, NDArray[np.int64]]
    """(items, frames, up to 5) by the cell: the classes with the highest scores; empty: nothing is known of scores."""
    clean: NDArray[np.int64] | None = None
    """(items,): the classes of the clean images; None: nothing was predicted of them."""
    numbers: NDArray[np.int64] | None = None
    """The dataset's number of each class as it is predicted, -1 if it has none; None: they are the same."""

    @property
    def ids(self) -> Sequence[str]:
        """All items of the dataset: whether a prediction flips, no label has to say."""
        return self.truth.stored or self.truth.ids

    @cached_property
    def flips(self) -> Numbers:
        """The share of the pairs of each sequence whose predictions differ, (rows, severities, items)."""
        return self.over_cells(
            lambda cell, stride: sequences.flips(
                self.classes[cell], noise=sequences.is_noise(cell[0]), difficulty=stride
            )
        )

    @cached_property
    def distances(self) -> Numbers:
        """How far the five highest classes move in the pairs of each sequence, (rows, severities, items).

        Raises
        ------
        ScoreError
            If nothing is known of scores.
        """
        if not self.tops:
            raise ScoreError("this metric needs the scores of all classes, of every frame")
        return self.over_cells(
            lambda cell, stride: sequences.ranking_distances(
                self.tops[cell], noise=sequences.is_noise(cell[0]), difficulty=stride
            )
        )

    @cached_property
    def right_when_clean(self) -> NDArray[np.bool_]:
        """Whether the clean image of each item is classified right, (items,).

        Raises
        ------
        ScoreError
            If nothing is predicted of clean images, or items have no single label.
        """
        if self.clean is None:
            raise ScoreError("this metric needs predictions of the clean images: row 'clean', severity 0")
        return self._are_right(self.clean)

    @cached_property
    def right_frames(self) -> Numbers:
        """The share of the frames of each item that are classified right, (rows, severities, items)."""
        return self.over_cells(lambda cell, _: self._are_right(self.classes[cell]).mean(axis=1))

    def _are_right(self, classes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Compare classes with labels, (items, ...); items without a label are not right."""
        if self.truth.is_multi_label:
            raise ScoreError("this metric is for items with one label each")
        self.truth.check_labelled()
        known = dict(zip(self.truth.ids, self.truth.labels[:, 0].tolist(), strict=True))
        labels = np.array([known.get(name, NO_CLASS) for name in self.ids])
        found = classes if self.numbers is None else self.numbers[classes]
        labels = labels.reshape(-1, *(1,) * (found.ndim - 1))
        return np.asarray((found == labels) & (labels != NO_CLASS))

    def over_cells(self, measure: Callable[[CellName, int], Numbers]) -> Numbers:
        """Return what a measure says about each item in each cell, (rows, severities, items); NaN where there is none.

        Parameters
        ----------
        measure : callable
            Takes a cell, and how far apart the frames are that are compared; returns (items,).
        """
        rows, severities = self.truth.rows, self.truth.severities
        found = np.full((len(rows), len(severities), len(self.ids)), np.nan)
        for row, severity in self.truth.cells:
            values = measure((row, severity), stride(self.truth.preset, row, severity))
            found[rows.index(row), severities.index(severity)] = values
        return found


def stride(preset: Preset, row: str, severity: float) -> int:
    """Return how far apart the frames are that are compared.

    That is the difficulty where a level has the very frames of the first one, as all perturbations of ImageNet-P but
    its noises; where levels differ, frames that follow each other are compared.
    """
    if severity != int(severity) or not 1 <= severity <= HARDEST:
        return 1
    first, level = preset.cell(row, 1), preset.cell(row, severity)
    is_same = level.corruption is first.corruption and dict(level.parameters) == dict(first.parameters)
    return int(severity) if is_same else 1


def collect_frames(content: Iterable[Batch] | Stacked, truth: GroundTruth) -> FramePredictions:
    """Put predictions of frames into the order of the dataset.

    Parameters
    ----------
    content : iterable of Batch or Stacked
        What `prediction_files.read_predictions` returned.
    truth : GroundTruth
        The dataset, all of whose chosen rows make sequences.

    Raises
    ------
    ScoreError
        If an entry occurs twice, is of an unknown item, frame, row or severity, or is no prediction; or if one is
        missing.
    """
    frames = _Frames(truth)
    for batch in _stacked(content, truth) if isinstance(content, Stacked) else content:
        frames.put(batch)
    frames.check_complete()
    clean = frames.clean if frames.clean_seen.any() else None
    return FramePredictions(truth, frames.classes, frames.tops, clean, frames.numbers())


class _Frames:
    """Where predictions are put: one array for each cell."""

    def __init__(self, truth: GroundTruth) -> None:
        self.truth, self.ids = truth, truth.stored or truth.ids
        self.places = {name: number for number, name in enumerate(self.ids)}
        shapes = {cell: (len(self.ids), truth.frames[cell]) for cell in truth.cells}
        self.seen = {cell: np.zeros(shape, bool) for cell, shape in shapes.items()}
        self.classes = {cell: np.zeros(shape, np.int64) for cell, shape in shapes.items()}
        self.tops: dict[CellName, NDArray[np.int64]] = {}
        self.count = 0
        """Number of scores of a frame; 0: predictions are classes."""
        self.codes: dict[str, int] = {}
        """Numbers for predictions in words."""
        self.columns: Sequence[str] = ()
        """The classes of scores, if they are named."""
        self.clean_seen, self.clean = np.zeros(len(self.ids), bool), np.zeros(len(self.ids), np.int64)

    def put(self, batch: Batch) -> None:
        left_out = set(self.truth.made) - set(self.truth.rows)
        kept = np.flatnonzero([row not in left_out for row in batch.rows])
        if not len(kept):
            return
        classes, tops = self._answers(batch)
        self.columns = batch.names
        cells: dict[CellName, list[int]] = {}
        for number in kept.tolist():
            if batch.rows[number] == CLEAN:
                self._put_clean(batch, number, int(classes[number]))
                continue
            cells.setdefault((batch.rows[number], round(float(batch.severities[number]), DECIMALS)), []).append(number)
        for cell, numbers in cells.items():
            if cell not in self.seen:
                raise ScoreError(f"{batch.place} {batch.first + numbers[0]}: {self._strange(cell)}")
            where = tuple(np.array([self._place(batch, number, cell) for number in numbers]).T)
            self._check_once(batch, numbers, cell, where)
            self.seen[cell][where] = True
            self.classes[cell][where] = classes[numbers]
            if tops is not None:
                self.tops[cell][where] = tops[numbers]

    def _put_clean(self, batch: Batch, number: int, predicted: int) -> None:
        """Put what was predicted of a clean image, which has the id of its item."""
        name, place = batch.ids[number], f"{batch.place} {batch.first + number}"
        if name not in self.places:
            raise ScoreError(f"{place}: {unknown('item', name, self.ids[:1000])}")
        if self.clean_seen[self.places[name]]:
            raise ScoreError(
                f"{place}: the clean image {printable(name)} occurs twice; pass one prediction for each image"
            )
        self.clean_seen[self.places[name]], self.clean[self.places[name]] = True, predicted

    def numbers(self) -> NDArray[np.int64] | None:
        """Return the dataset's number of each class as it is predicted; None: they are the same."""
        names = self.codes or {name: number for number, name in enumerate(self.columns)}
        if not names:
            return None
        known = {str(number): number for number in range(self.truth.count)}
        # Names come first: a class may be called like the number of another one.
        known |= {name: number for number, name in enumerate(self.truth.classes.names)}
        return np.array([known.get(name, NO_CLASS) for name in names])

    def _answers(self, batch: Batch) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
        """Return the class of each entry and, of scores, the five highest ones."""
        answers, place = batch.answers, f"{batch.place} {batch.first}"
        count = answers.shape[1] if answers.ndim == 2 else 0
        if any(seen.any() for seen in self.seen.values()) and count != self.count:
            raise ScoreError(
                f"{place}: {count} scores for a frame, before there were {self.count}; pass as many for each"
            )
        self.count = count
        if not count:
            return self._classes(batch), None
        scores = answers if np.issubdtype(answers.dtype, np.floating) else answers.astype(float)
        if not np.isfinite(scores).all():
            number = int((~np.isfinite(scores).all(axis=1)).argmax())
            raise ScoreError(f"{batch.place} {batch.first + number}: a score is not finite, allowed are finite numbers")
        tops = np.argsort(-scores, axis=1, kind="stable")[:, : sequences.TOP]
        if not self.tops:
            self.tops = {cell: np.zeros((*seen.shape, tops.shape[1]), np.int64) for cell, seen in self.seen.items()}
        return tops[:, 0], tops

    def _classes(self, batch: Batch) -> NDArray[np.int64]:
        answers = batch.answers
        if answers.dtype.kind in "biuf":
            if (bad := (answers < 0) | (answers != np.floor(answers))).any():
                number = int(bad.argmax())
                raise ScoreError(
                    f"{batch.place} {batch.first + number}: the prediction is {answers[number]}, allowed are class "
                    "numbers from 0"
                )
            return answers.astype(np.int64)
        return np.array([self.codes.setdefault(str(value), len(self.codes)) for value in answers.tolist()], np.int64)

    def _place(self, batch: Batch, number: int, cell: CellName) -> tuple[int, int]:
        name, frame = batch.ids[number], batch.frames[number] if batch.frames is not None else None
        if frame is None:
            name, _, digits = name.rpartition("/")
            frame = int(digits) if FRAME.fullmatch(digits) else -1
        place = f"{batch.place} {batch.first + number}"
        if name not in self.places:
            raise ScoreError(
                f"{place}: {unknown('item', name, self.ids[:1000])}; the id of a frame is that of its item, a slash "
                f"and its number, such as {printable(self.ids[0])}/0, or its number is in a column 'frame'"
            )
        if not 0 <= frame < self.seen[cell].shape[1]:
            raise ScoreError(
                f"{place}: {printable(batch.ids[number])} names no frame of {cell_name(*cell)}, which has those from 0 "
                f"to {self.seen[cell].shape[1] - 1}"
            )
        return self.places[name], int(frame)

    def _check_once(
        self, batch: Batch, numbers: Sequence[int], cell: CellName, where: tuple[NDArray[np.int64], ...]
    ) -> None:
        flat = np.ravel_multi_index(where, self.seen[cell].shape)
        twice = self.seen[cell][where]
        twice[np.setdiff1d(np.arange(len(flat)), np.unique(flat, return_index=True)[1])] = True
        if twice.any():
            number = numbers[int(twice.argmax())]
            raise ScoreError(
                f"{batch.place} {batch.first + number}: {printable(batch.ids[number])} in {cell_name(*cell)} occurs "
                "twice; pass one prediction for each frame"
            )

    def _strange(self, cell: CellName) -> str:
        row, severity = cell
        if row not in self.truth.rows:
            return unknown("row of the dataset", row, (*self.truth.rows, CLEAN))
        known = ", ".join(map(severity_text, self.truth.levels[row]))
        return f"{row} has no severity {severity_text(severity)} in this dataset; it has {known}"

    def check_complete(self) -> None:
        if self.clean_seen.any() and not self.clean_seen.all():
            raise ScoreError(
                f"{(~self.clean_seen).sum()} of {len(self.ids)} predictions of clean images are missing, the first of "
                f"them for {printable(self.ids[int((~self.clean_seen).argmax())])}; predict all of them, or none"
            )
        missing = {cell: int((~seen).sum()) for cell, seen in self.seen.items() if not seen.all()}
        if not missing:
            return
        cell = next(iter(missing))
        item, frame = divmod(int((~self.seen[cell]).argmax()), self.seen[cell].shape[1])
        raise ScoreError(
            f"{sum(missing.values())} of {sum(seen.size for seen in self.seen.values())} predictions of frames are "
            f"missing, the first of them for frame {frame} of {printable(self.ids[item])} in {cell_name(*cell)}; "
            "predict every frame of every cell, or choose rows with --rows"
        )


def _stacked(content: Stacked, truth: GroundTruth) -> Iterator[Batch]:
    """Take an array for each file of an `npy` dataset: (items, frames) classes or (items, frames, classes) scores."""
    ids, made = truth.stored or truth.ids, [(row, severity) for row in truth.made for severity in truth.levels[row]]
    known = {array_stem(*cell, is_sequence=True): cell for cell in made}
    for name, array in content.arrays.items():
        if name == CLEAN:
            if array.ndim not in (1, 2) or len(array) != len(ids):
                raise ScoreError(
                    f"{content.place} {name}: its shape is {array.shape}, allowed are {len(ids)} items, class numbers "
                    "or scores for all classes"
                )
            yield Batch(f"{content.place} {name} entry", 0, ids, [CLEAN] * len(ids), np.zeros(len(ids)), array)
            continue
        if name not in known:
            raise ScoreError(f"{content.place}: {unknown('array', name, known)}; pass id, row, severity")
        row, severity = known[name]
        wanted = (len(ids), truth.frames[row, severity])
        if array.ndim not in (2, 3) or array.shape[:2] != wanted:
            raise ScoreError(
                f"{content.place} {name}: its shape is {array.shape}, allowed are {wanted[0]} items × {wanted[1]} "
                "frames, of class numbers or of scores for all classes"
            )
        for place, item in enumerate(ids):
            yield Batch(
                f"{content.place} {name} frame",
                place * wanted[1],
                [item] * wanted[1],
                [row] * wanted[1],
                np.full(wanted[1], severity),
                array[place],
                frames=range(wanted[1]),
            )
