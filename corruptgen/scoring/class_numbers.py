"""Predicted classes and scores of a batch, checked and brought to the numbers that the dataset has for its classes."""

import re

import numpy as np
from numpy.typing import NDArray

from corruptgen.errors import ScoreError, unknown
from corruptgen.scoring.ground_truth import GroundTruth
from corruptgen.scoring.prediction_files import Batch
from corruptgen.store.names import printable
from corruptgen.values.class_labels import NAMES

MOST_NAMED = 3
# Tables write whole numbers as 2.0 where one of the column is missing.
WHOLE = re.compile(r"([0-9]{1,18})(\.0+)?")


def check_scores(batch: Batch, truth: GroundTruth) -> NDArray[np.floating]:
    """Return the scores of a batch in the order of the classes."""
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
            f"{batch.place} {batch.first}: there are score columns for {len(names)} classes, the dataset has "
            f"{len(known)}; in one of them alone: {', '.join(strange[:MOST_NAMED])}; {_more_classes(truth)}"
        )
    if names:
        return scores[:, [names.index(name) for name in known]]
    # A model for two classes may predict the probability of the second one alone.
    right = {truth.count, 1} if truth.count == 2 and not truth.is_multi_label else {truth.count}
    if scores.shape[1] not in right:
        raise ScoreError(
            f"{batch.place} {batch.first}: {scores.shape[1]} scores for {truth.count} classes; {_more_classes(truth)}"
        )
    return scores


def predicted_numbers(batch: Batch, truth: GroundTruth) -> NDArray[np.int64]:
    """Return predicted classes as numbers, (entries, labels)."""
    given = batch.answers
    given = given.astype(np.uint8) if given.dtype == bool else given
    numbers = given.reshape(len(batch.ids), -1) if given.dtype.kind in "iuf" else _from_texts(batch, truth)
    if numbers.shape[1] != truth.labels.shape[1]:
        found = f"{numbers.shape[1]} predictions for {truth.labels.shape[1]} labels of an item"
        raise ScoreError(f"{batch.place} {batch.first}: {found}; pass one for each")
    highest = 1 if truth.is_multi_label else truth.count - 1
    # What is not a number, or not a whole one, is not equal to itself without its fraction.
    if (bad := ((numbers < 0) | (numbers > highest) | (numbers != np.floor(numbers))).any(axis=1)).any():
        number = int(bad.argmax())
        raise ScoreError(
            f"{batch.place} {batch.first + number}: the prediction is {given[number]}, allowed are class numbers from "
            f"0 to {highest}; {_more_classes(truth)}"
        )
    return numbers.astype(np.int64)


def _from_texts(batch: Batch, truth: GroundTruth) -> NDArray[np.int64]:
    """Read predictions in words: names of classes, or numbers with spaces between them."""
    is_named = truth.classes.kind == NAMES
    places = {name: [number] for number, name in enumerate(truth.classes.names)} if is_named else {}
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
            raise ScoreError(f"{place}: the prediction is {printable(text)!r}, allowed is {allowed}; {advice}")
        numbers.append(known[text])
    widths = {len(value) for value in numbers}
    if len(widths) > 1:
        raise ScoreError(
            f"{batch.place} {batch.first}: predictions of {sorted(widths)} numbers; pass one for each label"
        )
    return np.array(numbers, np.int64)


def _numbers(text: str) -> list[int]:
    words = [WHOLE.fullmatch(word) for word in text.split(" ")]
    return [int(word[1]) for word in words if word] if all(words) else []


def _more_classes(truth: GroundTruth) -> str:
    if truth.is_multi_label:
        return "labels are 0 or 1, one for each"
    return "if the model knows classes that the dataset lacks, name them all, in the model's order, with --classes"
