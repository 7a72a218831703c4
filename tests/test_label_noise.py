"""Label noise: as matrices say, whatever the order of the items, and as the originals make it."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chisquare

from corruptgen.corruptions.labels import published, transitions
from corruptgen.corruptions.labels.noise import instance_noise, long_tail, matrix_noise, random_labels, tail_counts
from corruptgen.corruptions.labels.transitions import (
    CIFAR10_CONFUSIONS,
    CIFAR100_SUPERCLASSES,
    block_matrix,
    checked_matrix,
    confusion_matrix,
    frequency_matrix,
    superclass_matrix,
    symmetric_matrix,
)
from corruptgen.errors import ArgumentError
from originals import label_noise, replay

ORIGINALS = json.loads((Path(__file__).parent / "golden/originals/label_noise.json").read_text("utf-8"))
ITEMS = 100_000
CLEAN = np.arange(ITEMS) * 7919 % 10
IDS = [f"images/{number}.png" for number in range(ITEMS)]
MATRICES = {
    "symmetric": symmetric_matrix(10, 0.4),
    "inclusive": symmetric_matrix(10, 0.4, inclusive=True),
    "cifar-10": confusion_matrix(CIFAR10_CONFUSIONS, 0.4),
    "pairs": block_matrix(10, 0.45, 5),
    "frequency": frequency_matrix(np.arange(1, 11), 0.3),
}


@pytest.mark.parametrize("entry", ORIGINALS)
def test_labels_are_those_of_the_original(entry):
    # Of the results, the sha256 is all that is kept here; where they are at hand, the script compares all labels.
    made, _ = label_noise.labels_of(entry, ORIGINALS[entry])
    kept = replay.Kept("label_noise", {}, {entry: made}, Path())
    assert label_noise.compare_labels(kept, entry, ORIGINALS[entry]) == (replay.EQUAL, "")
    for wrong in ({"sha256": "0" * 64}, {"flipped": 0.123}):
        if wrong.keys() <= ORIGINALS[entry].keys():
            assert label_noise.compare_labels(kept, entry, ORIGINALS[entry] | wrong)[0] == replay.DIFFERS


@pytest.mark.parametrize("name", MATRICES)
def test_the_shares_of_labels_are_those_of_the_matrix(name):
    made = matrix_noise(CLEAN, IDS, MATRICES[name], seed=3, name=name)
    for label, row in enumerate(MATRICES[name]):
        found = made.realised[label]
        assert not found[row == 0].any()
        if np.count_nonzero(row) > 1:
            assert chisquare(found[row > 0], row[row > 0] * found.sum()).pvalue > 1e-4
    assert np.array_equal(made.flipped, made.selected)


@pytest.mark.parametrize("name", MATRICES)
def test_exact_noise_flips_as_many_as_the_matrix_expects(name):
    made = matrix_noise(CLEAN, IDS, MATRICES[name], exact=True)
    assert np.abs(made.realised - MATRICES[name] * made.realised.sum(axis=1, keepdims=True)).max() < 1 + 1e-9


def test_what_becomes_of_an_item_depends_on_its_id_alone():
    whole = matrix_noise(CLEAN[:500], IDS[:500], MATRICES["symmetric"], seed=1)
    order = np.random.RandomState(0).permutation(500)[:200]
    part = matrix_noise(CLEAN[order], [IDS[i] for i in order], MATRICES["symmetric"], seed=1)
    assert np.array_equal(part.noisy, whole.noisy[order])
    for other in ({"seed": 2}, {"seed": 1, "name": "another"}):
        assert not np.array_equal(
            matrix_noise(CLEAN[:500], IDS[:500], MATRICES["symmetric"], **other).noisy, whole.noisy
        )
    shuffled = matrix_noise(CLEAN[order], [IDS[i] for i in order], MATRICES["symmetric"], exact=True)
    again = matrix_noise(CLEAN[order][::-1], [IDS[i] for i in order][::-1], MATRICES["symmetric"], exact=True)
    assert np.array_equal(shuffled.noisy[::-1], again.noisy)


def test_labels_at_random_may_be_the_true_ones():
    made = random_labels(CLEAN, IDS, 0.5, classes=10)
    assert made.selected.mean() == pytest.approx(0.5, abs=0.01)
    assert made.flipped.mean() == pytest.approx(0.45, abs=0.01)
    assert not (made.flipped & ~made.selected).any()
    assert chisquare(np.bincount(made.noisy[made.selected])).pvalue > 1e-4


def test_hard_items_are_flipped_more_often():
    scores = np.where(np.arange(ITEMS) % 2, 3.0, 1.0)
    made = instance_noise(CLEAN, IDS, scores, 0.2, MATRICES["symmetric"])
    assert made.flipped.mean() == pytest.approx(0.2, abs=0.01)
    assert made.flipped[1::2].mean() == pytest.approx(3 * made.flipped[::2].mean(), rel=0.05)
    checked_matrix(made.matrix)
    certain = instance_noise(CLEAN, IDS, scores - 1, 0.5, MATRICES["cifar-10"] * 0 + MATRICES["symmetric"])
    assert np.array_equal(certain.flipped, scores > 1)
    with pytest.raises(ArgumentError, match="no other label for class 0"):
        instance_noise(CLEAN, IDS, scores, 0.2, MATRICES["cifar-10"])
    with pytest.raises(ArgumentError, match=r"0\.6 of the items are to be flipped, and 0\.5 have a score"):
        instance_noise(CLEAN, IDS, scores - 1, 0.6, MATRICES["symmetric"])


def test_a_long_tail_keeps_what_a_longer_one_keeps():
    counts = tail_counts(1000, 10, profile="exponential", factor=0.01)
    assert (counts[0], counts[-1], sorted(counts, reverse=True)) == (1000, 10, counts)
    kept = long_tail(CLEAN, IDS, counts)
    assert np.bincount(CLEAN[kept]).tolist() == counts
    fewer = long_tail(CLEAN, IDS, [count // 2 for count in counts])
    assert set(fewer) < set(kept)
    assert tail_counts(10, 5, profile="step", factor=0.1) == [10, 10, 1, 1, 1]
    with pytest.raises(ArgumentError, match="20000 items of class 0 are wanted, and there are 10000"):
        long_tail(CLEAN, IDS, [20_000] * 10)


def test_superclasses_of_cifar_100_have_five_classes_each():
    assert np.bincount(CIFAR100_SUPERCLASSES).tolist() == [5] * 20
    matrix = superclass_matrix(CIFAR100_SUPERCLASSES, 0.2)
    for label, row in enumerate(matrix):
        (other,) = np.flatnonzero((row > 0) & (np.arange(100) != label))
        assert CIFAR100_SUPERCLASSES[other] == CIFAR100_SUPERCLASSES[label]
    assert np.allclose(matrix.sum(axis=0), 1)


def test_streams_of_numpy_differ_where_a_matrix_has_zeros():
    clean = label_noise.clean_labels(5000, 100)
    first, second = (published.elr_asymmetric_cifar100(clean, 0.2, stream=stream) for stream in published.STREAMS)
    assert np.mean(first.labels != second.labels) > 0.2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: matrix_noise([0, 3], "ab", np.eye(3)), "labels has 3, and 3 classes are 0 to 2"),
        (lambda: matrix_noise([0, 1], "aa", np.eye(3)), "two items have one id"),
        (lambda: matrix_noise([0, 1], "abc", np.eye(3)), "2 labels and 3 ids"),
        (lambda: matrix_noise([0.5], "a", np.eye(3)), "labels are float64"),
        (lambda: matrix_noise([0], "a", [[0.5, 0.4], [0, 1]]), r"row 0 of the matrix is \[0.5, 0.4\]"),
        (lambda: matrix_noise([0], "a", [[1.5, -0.5], [0, 1]]), "row 0 of the matrix"),
        (lambda: matrix_noise([0], "a", [[1, 0]]), r"shape \(1, 2\)"),
        (lambda: symmetric_matrix(10, 1.5), "rate is 1.5; allowed is a number from 0 to 1"),
        (lambda: symmetric_matrix(1, 0.5), "1 classes; noise needs two"),
        (lambda: block_matrix(10, 0.5, 3), "size is 3, which does not divide the 10 classes"),
        (lambda: frequency_matrix([5, 0], 0.5), "one class with items"),
        (lambda: tail_counts(5, 2, profile="linear", factor=0.1), "profile is 'linear'"),
        (lambda: published.coteaching_pairflip([0], 0.5, classes=2, stream="numpy"), "stream is 'numpy'"),
        (lambda: published.rolt_counts(50, classes=5, profile="x", factor=1), "profile is 'x'"),
        (lambda: transitions.confusion_matrix([2, 0], 0.5), "labels has 2, and 2 classes"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_was_found(call, message):
    with pytest.raises(ArgumentError, match=message):
        call()
