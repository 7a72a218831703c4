"""Answers: what a model said about every image in every cell, checked against the dataset and put into its order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.errors import ScoreError, unknown
from corruptgen.metrics.class_balance import THRESHOLD, decisions
from corruptgen.scoring.class_numbers import check_scores, predicted_numbers
from corruptgen.scoring.ground_truth import CLEAN, GroundTruth
from corruptgen.scoring.prediction_files import Batch, Stacked
from corruptgen.store.names import printable
from corruptgen.values.arguments import DECIMALS, severity_text

MOST_NAMED = 3
MOST_COMPARED = 1000  # ids that a mistyped one is compared with


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model said."""

    truth: GroundTruth
    correct: NDArray[np.bool_]
    """(rows, severities, items, labels); in cells that there are not, all are."""
    clean: NDArray[np.bool_] | None
    """(items, labels); None: nothing was predicted of the clean images."""
    scores: NDArray[np.floating] | None
    """(rows, severities, items, classes); in cells that there are not, all classes have the same."""
    clean_scores: NDArray[np.floating] | None


@dataclass(frozen=True)
class Rule:
    """How scores become decisions."""

    task: str = ""
    """One of `corruptgen.metrics.class_balance.TASKS`; empty: what labels and scores look like."""
    thresholds: tuple[float, ...] = (THRESHOLD,)

    def decide(self, scores: NDArray[np.floating], truth: GroundTruth) -> NDArray[np.int64]:
        """Return (..., items, labels) of (..., items, classes)."""
        task = self.task or _task(truth, scores.shape[-1])
        if len(self.thresholds) > 1 and not truth.is_multi_label:
            raise ScoreError(f"{len(self.thresholds)} thresholds for one decision; several are for several labels")
        limits = self.thresholds if len(self.thresholds) > 1 else self.thresholds[0]
        return decisions(scores, task, limits)


def collect_predictions(
    content: Iterable[Batch] | Stacked, truth: GroundTruth, rule: Rule | None = None
) -> Predictions:
    """Put predictions into the order of the dataset.

    Parameters
    ----------
    content : iterable of Batch or Stacked
        What `prediction_files.read` gave.
    truth : GroundTruth
        The dataset; what is predicted of rows of it that are not scored is not looked at.
    rule : Rule or None
        How scores become decisions.

    Raises
    ------
    ScoreError
        If an entry occurs twice, is of an unknown item, row or severity, or is no prediction; or if one is missing.
    """
    places = _Places(truth)
    for batch in _stacked(content, truth) if isinstance(content, Stacked) else content:
        places.put(batch)
    places.check_complete()
    scores = places.scores
    decided = places.decided if scores is None else (rule or Rule()).decide(scores, truth)
    correct = decided == truth.labels
    return Predictions(
        truth,
        correct=_by_cell(correct[:-1], truth, True),
        clean=correct[-1] if places.has_clean else None,
        scores=None if scores is None else _by_cell(scores[:-1], truth, 1 / scores.shape[-1]),
        clean_scores=None if scores is None or not places.has_clean else scores[-1],
    )


def _by_cell(values: NDArray[Any], truth: GroundTruth, filling: float) -> NDArray[Any]:
    """Return what is known of each cell, (cells, items, ...), by rows and severities, with a filling in the gaps."""
    rows, severities = truth.rows, truth.severities
    if truth.absent is None:
        return values.reshape(len(rows), len(severities), *values.shape[1:])
    found = np.full((len(rows), len(severities), *values.shape[1:]), filling, values.dtype)
    found[~truth.absent] = values
    return found


class _Places:
    """Where predictions are put: one line for each cell, the clean images last."""

    def __init__(self, truth: GroundTruth) -> None:
        self.truth = truth
        self.names = [*truth.cells, (CLEAN, 0.0)]
        self.cells = {name: number for number, name in enumerate(self.names)}
        self.ids = {name: number for number, name in enumerate(truth.ids)}
        self.seen = np.zeros((len(self.names), len(truth.ids)), bool)
        self.decided = np.zeros((len(self.names), *truth.labels.shape), np.int64)
        self.scores: NDArray[np.floating] | None = None
        self.gives_scores: bool | None = None

    @property
    def has_clean(self) -> bool:
        return bool(self.seen[-1].any())

    def put(self, batch: Batch) -> None:
        left_out = set(self.truth.made) - set(self.truth.rows)
        kept = np.array([row not in left_out for row in batch.rows], bool)
        if self.truth.unlabelled:
            kept &= np.array([name not in self.truth.unlabelled for name in batch.ids], bool)
        cells, items = self._cells_of(batch, kept), self._items_of(batch, kept)
        first = np.unique(cells * len(self.ids) + items, return_index=True)[1]
        twice = self.seen[cells, items]
        twice[np.setdiff1d(np.arange(len(cells)), first)] = True
        if twice.any():
            number = int(np.flatnonzero(kept)[twice.argmax()])
            raise ScoreError(
                f"{batch.place} {batch.first + number}: {printable(batch.ids[number])} in {batch.rows[number]} at "
                f"severity {severity_text(batch.severities[number])} occurs twice; pass one prediction for each image"
            )
        self.seen[cells, items] = True
        gives_scores = batch.answers.ndim == 2 and batch.answers.dtype.kind not in "US"
        if self.gives_scores not in (None, gives_scores):
            raise ScoreError(f"{batch.place}: predicted classes and scores are mixed; pass one of them for every image")
        self.gives_scores = gives_scores
        if gives_scores:
            scores = check_scores(batch, self.truth)[kept]
            if self.scores is None:
                self.scores = np.zeros((*self.seen.shape, scores.shape[1]), scores.dtype)
            if scores.shape[1] != self.scores.shape[2]:
                found = f"{scores.shape[1]} scores, before there were {self.scores.shape[2]}"
                raise ScoreError(f"{batch.place} {batch.first}: {found}; pass as many for every image")
            self.scores[cells, items] = scores
        else:
            self.decided[cells, items] = predicted_numbers(batch, self.truth)[kept]

    def _cells_of(self, batch: Batch, kept: NDArray[np.bool_]) -> NDArray[np.intp]:
        found = np.empty(len(batch.rows), np.intp)
        for number in np.flatnonzero(kept).tolist():
            row, severity = batch.rows[number], round(float(batch.severities[number]), DECIMALS)
            cell = self.cells.get((row, severity))
            if cell is None:
                place = f"{batch.place} {batch.first + number}"
                if row not in self.truth.rows and row != CLEAN:
                    raise ScoreError(f"{place}: " + unknown("row of the dataset", row, (*self.truth.rows, CLEAN)))
                levels = "0" if row == CLEAN else ", ".join(map(severity_text, self.truth.levels[row]))
                raise ScoreError(
                    f"{place}: {row} has no severity {severity_text(severity)} in this dataset; it has {levels}"
                )
            found[number] = cell
        return found[kept]

    def _items_of(self, batch: Batch, kept: NDArray[np.bool_]) -> NDArray[np.intp]:
        found = np.array([self.ids.get(name, -1) for name in batch.ids], np.intp)
        if (strange := (found < 0) & kept).any():
            number = int(strange.argmax())
            name, place = printable(batch.ids[number]), f"{batch.place} {batch.first + number}"
            nearest = get_close_matches(name, self.truth.ids[:MOST_COMPARED], n=1) or [self.truth.ids[0]]
            raise ScoreError(
                f"{place}: no item of the dataset is called {name!r}; ids are those in items/*.jsonl, "
                f"such as {printable(nearest[0])!r}"
            )
        return found[kept]

    def check_complete(self) -> None:
        wanted = self.seen if self.has_clean else self.seen[:-1]
        if wanted.all():
            return
        counts = (~wanted).sum(axis=1)
        empty = [name for name, count in zip(self.names, counts, strict=False) if count == len(self.ids)]
        cell, item = divmod(int((~wanted).argmax()), len(self.ids))
        row, severity = self.names[cell]
        whole = ", ".join(f"{r}/{severity_text(s)}" for r, s in empty[:MOST_NAMED]) + (
            f" and {len(empty) - MOST_NAMED} more" if len(empty) > MOST_NAMED else ""
        )
        entirely = f" (nothing at all for the cells {whole})" if empty else ""
        raise ScoreError(
            f"{counts.sum()} of {wanted.size} predictions are missing{entirely}, the first of them for "
            f"{printable(self.truth.ids[item])} in {row} at severity {severity_text(severity)}; predict every image "
            "of every cell, or choose rows with --rows"
        )


def _task(truth: GroundTruth, columns: int) -> str:
    if truth.is_multi_label:
        return "multi-label, binary-class"
    return "binary-class" if columns == 1 else "multi-class"


def _stacked(content: Stacked, truth: GroundTruth) -> Iterable[Batch]:
    """Take arrays that are ordered as the dataset's own arrays are."""
    ids = truth.stored or truth.ids
    items = len(ids)
    known: Mapping[str, Sequence[float]] = {row: truth.levels[row] for row in truth.rows} | {CLEAN: (0.0,)}
    for row, array in content.arrays.items():
        if row in set(truth.made) - set(truth.rows):
            continue
        if row not in known:
            raise ScoreError(
                f"{content.place}: " + unknown("row of the dataset", row, known) + "; pass id, row, severity"
            )
        severities = known[row]
        if array.ndim not in (1, 2) or len(array) != items * len(severities):
            raise ScoreError(
                f"{content.place} {row}: its shape is {array.shape}, allowed are {items * len(severities)} entries: "
                f"{items} items × {len(severities)} severities, the severities one after the other"
            )
        for number, severity in enumerate(severities):
            part = slice(number * items, (number + 1) * items)
            yield Batch(
                f"{content.place} {row} entry",
                part.start,
                ids,
                [row] * items,
                np.full(items, severity),
                array[part],
            )
