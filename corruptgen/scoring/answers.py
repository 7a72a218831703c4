"""Answers: what a model said about every image in every cell, checked against the dataset and put into its order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from corruptgen.errors import ScoreError, unknown
from corruptgen.metrics.balanced_error import THRESHOLD, decisions
from corruptgen.names import shown
from corruptgen.scoring.prediction_files import Batch, Stacked
from corruptgen.scoring.truth import CLEAN, Truth

MOST_NAMED = 3
MOST_COMPARED = 1000  # ids that a mistyped one is held against


@dataclass(frozen=True, eq=False)
class Answers:
    """What a model said."""

    truth: Truth
    correct: NDArray[np.bool_]
    """(rows, severities, items, labels)."""
    clean: NDArray[np.bool_] | None
    """(items, labels); None: nothing was predicted of the clean images."""
    scores: NDArray[np.floating] | None
    """(rows, severities, items, classes)."""
    clean_scores: NDArray[np.floating] | None


@dataclass(frozen=True)
class Rule:
    """How scores become decisions."""

    task: str = ""
    """One of `corruptgen.metrics.balanced_error.TASKS`; empty: what labels and scores look like."""
    thresholds: tuple[float, ...] = (THRESHOLD,)

    def decide(self, scores: NDArray[np.floating], truth: Truth) -> NDArray[np.int64]:
        """Give (..., items, labels) of (..., items, classes)."""
        task = self.task or _task(truth, scores.shape[-1])
        limits = self.thresholds if len(self.thresholds) > 1 else self.thresholds[0]
        return decisions(scores, task, limits)


def answers(content: Iterable[Batch] | Stacked, truth: Truth, rule: Rule | None = None) -> Answers:
    """Put predictions into the order of the dataset.

    Parameters
    ----------
    content : what `prediction_files.read` gave
    truth : the dataset; what is predicted of other rows of its table is not looked at
    rule : how scores become decisions

    Raises
    ------
    ScoreError
        If an entry is there twice, is of an unknown item, row or severity, or is no prediction; or if one is missing.
    """
    placed = _Placed(truth, _stacked(content, truth) if isinstance(content, Stacked) else content)
    rule = rule or Rule()
    shape = (len(truth.rows), len(truth.severities), len(truth.ids))
    if placed.scores is None:
        decided, scores = placed.decided, None
    else:
        scores, decided = placed.scores, rule.decide(placed.scores, truth)
    correct = decided == truth.labels
    cells, clean = correct[:-1].reshape(*shape, -1), correct[-1] if placed.has_clean else None
    if scores is None:
        return Answers(truth, cells, clean, None, None)
    kept = scores[:-1].reshape(*shape, -1)
    return Answers(truth, cells, clean, kept, scores[-1] if placed.has_clean else None)


@dataclass
class _Placed:
    """Predictions on their way to their places: one line for each cell, the clean images last."""

    truth: Truth
    batches: Iterable[Batch]
    decided: NDArray[np.int64] = field(init=False)
    """(cells, items, labels)."""
    scores: NDArray[np.floating] | None = field(init=False, default=None)
    """(cells, items, classes)."""
    has_clean: bool = field(init=False)

    def __post_init__(self) -> None:
        truth = self.truth
        names = [(row, severity) for row in truth.rows for severity in truth.severities] + [(CLEAN, 0.0)]
        self._cells = {name: number for number, name in enumerate(names)}
        self._ids = {name: number for number, name in enumerate(truth.ids)}
        self._left_out = set(truth.preset.rows) - set(truth.rows)
        self._seen = np.zeros((len(names), len(truth.ids)), bool)
        self.decided = np.zeros((len(names), *truth.labels.shape), np.int64)
        for batch in self.batches:
            self._place(batch)
        self.has_clean = bool(self._seen[-1].any())
        self._check_complete(names)

    def _place(self, batch: Batch) -> None:
        kept = np.array([row not in self._left_out for row in batch.rows], bool)
        cells, items = self._cells_of(batch, kept), self._items_of(batch, kept)
        first = np.unique(cells * len(self._ids) + items, return_index=True)[1]
        twice = self._seen[cells, items]
        twice[np.setdiff1d(np.arange(len(cells)), first)] = True
        if twice.any():
            number = int(np.flatnonzero(kept)[twice.argmax()])
            raise ScoreError(
                f"{batch.place} {batch.first + number}: {shown(batch.ids[number])} in {batch.rows[number]} at severity "
                f"{batch.severities[number]:g} is there twice; give one prediction for each image"
            )
        self._seen[cells, items] = True
        if batch.answers.ndim == 2 and not (batch.answers.dtype.kind in "US"):
            scores = _checked_scores(batch, self.truth)[kept]
            if self.scores is None:
                self.scores = np.zeros((*self._seen.shape, scores.shape[1]), scores.dtype)
            if scores.shape[1] != self.scores.shape[2]:
                found = f"{scores.shape[1]} scores, before there were {self.scores.shape[2]}"
                raise ScoreError(f"{batch.place} {batch.first}: {found}; give as many for every image")
            self.scores[cells, items] = scores
        else:
            self.decided[cells, items] = _decided(batch, self.truth)[kept]

    def _cells_of(self, batch: Batch, kept: NDArray[np.bool_]) -> NDArray[np.intp]:
        found = np.empty(len(batch.rows), np.intp)
        for number in np.flatnonzero(kept):
            row, severity = batch.rows[number], float(batch.severities[number])
            cell = self._cells.get((row, severity))
            if cell is None:
                place = f"{batch.place} {batch.first + number}"
                if row not in self.truth.rows and row != CLEAN:
                    raise ScoreError(f"{place}: " + unknown("row of the dataset", row, (*self.truth.rows, CLEAN)))
                levels = "0" if row == CLEAN else ", ".join(f"{level:g}" for level in self.truth.severities)
                raise ScoreError(f"{place}: {row} has no severity {severity:g} in this dataset; it has {levels}")
            found[number] = cell
        return found[kept]

    def _items_of(self, batch: Batch, kept: NDArray[np.bool_]) -> NDArray[np.intp]:
        found = np.array([self._ids.get(name, -1) for name in batch.ids], np.intp)
        if (strange := (found < 0) & kept).any():
            number = int(strange.argmax())
            name, known = batch.ids[number], self.truth.ids[:MOST_COMPARED]
            shortened = unknown("item of the dataset", shown(name), known if len(known) < MOST_NAMED else known)
            words = shortened if "did you mean" in shortened else f"no item of the dataset is called {shown(name)!r}"
            raise ScoreError(
                f"{batch.place} {batch.first + number}: {words}; ids are those in items/*.jsonl, such as {shown(known[0])!r}"
            )
        return found[kept]

    def _check_complete(self, names: Sequence[tuple[str, float]]) -> None:
        wanted = self._seen if self.has_clean else self._seen[:-1]
        if wanted.all():
            return
        counts = (~wanted).sum(axis=1)
        empty = [name for name, count in zip(names, counts, strict=False) if count == len(self._ids)]
        cell, item = np.unravel_index(int((~wanted).argmax()), wanted.shape)
        row, severity = names[cell]
        whole = ", ".join(f"{r}/{s:g}" for r, s in empty[:MOST_NAMED]) + (
            f" and {len(empty) - MOST_NAMED} more" if len(empty) > MOST_NAMED else ""
        )
        entirely = f" (nothing at all for the cells {whole})" if empty else ""
        raise ScoreError(
            f"{counts.sum()} of {wanted.size} predictions are missing{entirely}, the first of them for "
            f"{shown(self.truth.ids[item])} in {row} at severity {severity:g}; predict every image of every cell, or "
            "choose rows with --rows"
        )


def _task(truth: Truth, columns: int) -> str:
    if truth.is_multi_label:
        return "multi-label, binary-class"
    return "binary-class" if columns == 1 else "multi-class"


def _checked_scores(batch: Batch, truth: Truth) -> NDArray[np.floating]:
    """Give the scores of a batch in the order of the classes."""
    scores, names = batch.answers, batch.names
    if not np.issubdtype(scores.dtype, np.floating):
        scores = scores.astype(float)
    if (bad := ~np.isfinite(scores).all(axis=1)).any():
        number = int(bad.argmax())
        value = scores[number][~np.isfinite(scores[number])][0]
        raise ScoreError(f"{batch.place} {batch.first + number}: a score is {value}, allowed are finite numbers")
    known = truth.classes.names or tuple(map(str, range(truth.count)))
    if names and set(names) != set(known):
        strange = sorted(set(names) - set(known)) or sorted(set(known) - set(names))
        raise ScoreError(
            f"{batch.place} {batch.first}: there are score columns for {len(names)} classes, the dataset has {len(known)}; "
            f"in one of them alone: {', '.join(strange[:MOST_NAMED])}; {_more_classes(truth)}"
        )
    if names:
        return scores[:, [names.index(name) for name in known]]
    # A model for two classes may give the probability of the second one alone.
    right = {truth.count, 1} if truth.count == 2 and not truth.is_multi_label else {truth.count}
    if scores.shape[1] not in right and (
        truth.classes.by_name or truth.is_multi_label or scores.shape[1] < truth.count
    ):
        raise ScoreError(
            f"{batch.place} {batch.first}: {scores.shape[1]} scores for {truth.count} classes; {_more_classes(truth)}"
        )
    return scores


def _decided(batch: Batch, truth: Truth) -> NDArray[np.int64]:
    """Give predicted classes as numbers, (entries, labels)."""
    given = batch.answers
    if np.issubdtype(given.dtype, np.integer) or given.dtype == bool:
        numbers = given.astype(np.int64).reshape(len(batch.ids), -1)
    else:
        numbers = _from_texts(batch, truth)
    if numbers.shape[1] != truth.classes.width:
        found = f"{numbers.shape[1]} predictions for {truth.classes.width} labels of an item"
        raise ScoreError(f"{batch.place} {batch.first}: {found}; give one for each")
    highest = 1 if truth.is_multi_label else truth.count - 1
    bounded = truth.classes.by_name or truth.is_multi_label
    if (bad := ((numbers < 0) | (bounded & (numbers > highest))).any(axis=1)).any():
        number = int(bad.argmax())
        raise ScoreError(
            f"{batch.place} {batch.first + number}: the prediction is {given[number]}, allowed are class numbers from 0 to "
            f"{highest}; {_more_classes(truth)}"
        )
    return numbers


def _from_texts(batch: Batch, truth: Truth) -> NDArray[np.int64]:
    """Read predictions in words: names of classes, or numbers with spaces between them."""
    places = {name: [number] for number, name in enumerate(truth.classes.names)} if truth.classes.by_name else {}
    known: dict[str, list[int]] = {}
    numbers = []
    for number, value in enumerate(batch.answers.tolist()):
        text = value.decode() if isinstance(value, bytes) else str(value)
        if text not in known:
            known[text] = places.get(text) or _numbers(text) or []
        if not known[text]:
            allowed = "a class number" + (" or the name of a class" if places else "")
            advice = f"{unknown('class', text, places)}; {_more_classes(truth)}" if places else "write whole numbers"
            place = f"{batch.place} {batch.first + number}"
            raise ScoreError(f"{place}: the prediction is {shown(text)!r}, allowed is {allowed}; {advice}")
        numbers.append(known[text])
    widths = {len(value) for value in numbers}
    if len(widths) > 1:
        raise ScoreError(
            f"{batch.place} {batch.first}: predictions of {sorted(widths)} numbers; give one for each label"
        )
    return np.array(numbers, np.int64)


def _numbers(text: str) -> list[int]:
    words = text.split(" ")
    return [int(word) for word in words] if all(word.isascii() and word.isdigit() for word in words) else []


def _more_classes(truth: Truth) -> str:
    if truth.is_multi_label:
        return "labels are 0 or 1, one for each"
    return "if the model knows classes that the dataset lacks, name them all, in the model's order, with --classes"


def _stacked(content: Stacked, truth: Truth) -> Iterable[Batch]:
    """Take arrays that are ordered as the dataset's own arrays are."""
    items, levels = len(truth.ids), truth.severities
    known: Mapping[str, Sequence[float]] = {row: levels for row in truth.rows} | {CLEAN: (0.0,)}
    for row, array in content.arrays.items():
        if row in set(truth.preset.rows) - set(truth.rows):
            continue
        if row not in known:
            raise ScoreError(
                f"{content.place}: " + unknown("row of the dataset", row, known) + "; give id, row, severity"
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
                truth.ids,
                [row] * items,
                np.full(items, severity),
                array[part],
            )
