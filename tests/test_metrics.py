"""The metrics: their laws, the hand-worked numbers of their sources, and what they refuse."""

import importlib
import itertools
import json
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from corruptgen.errors import ScoreError, UnknownName
from corruptgen.metrics import (
    Grid,
    baseline,
    baseline_names,
    calibration,
    conformal,
    corruption_error,
    detection,
    group_means,
    interval,
    resampling,
    resolution,
    sequences,
    trajectory,
    translation,
    weights,
)
from corruptgen.metrics import accuracy_trend as effective
from corruptgen.metrics import baselines as tables
from corruptgen.metrics import class_balance as balanced
from tests.photographs import ROOT

ALEXNET = baseline("imagenet-c/alexnet")
PERTURBATIONS = baseline("imagenet-p/alexnet")
# Table 1 of the ImageNet-C paper and the README of its repository.
PUBLISHED_MEANS = [88.6428, 89.4468, 92.2640, 81.9880, 82.6268, 78.5948, 79.8360, 86.6816, 82.6572, 81.9324, 56.4592]
PUBLISHED_MEANS += [85.3204, 64.6056, 71.7840, 60.6500]

fractions = st.floats(0, 1)
grids = st.builds(
    lambda values, clean: Grid(ALEXNET.main, ALEXNET.severities, np.reshape(values, (15, 5)), np.asarray(clean)),
    st.lists(fractions, min_size=75, max_size=75),
    fractions,
)


def constant(error, clean=None, severities=ALEXNET.severities):
    shape = (15, len(severities))
    return Grid(ALEXNET.main, severities, np.full(shape, error), None if clean is None else np.asarray(clean))


def test_the_baseline_scores_100_against_itself():
    own = ALEXNET.grid("error")

    assert corruption_error.corruption_errors(own, ALEXNET) == pytest.approx(np.full(15, 100.0))
    assert float(corruption_error.mean_corruption_error(own, ALEXNET)) == pytest.approx(100)
    assert float(corruption_error.relative_mean_corruption_error(own, ALEXNET)) == pytest.approx(100)


def test_no_errors_are_0_and_all_metrics_say_so():
    perfect = constant(0.0, 0.0)
    right = np.ones((3, 20), bool)

    assert float(corruption_error.mean_corruption_error(perfect, ALEXNET)) == 0
    assert float(corruption_error.relative_mean_corruption_error(perfect, ALEXNET)) == 0
    assert trajectory.area_under_severity(perfect).max() == 0
    assert balanced.balanced_error(right, np.arange(20) % 4).max() == 0
    assert float(calibration.expected_calibration_error(np.ones(20), right[0])) == 0
    assert sequences.flips(np.zeros((3, 31), int), noise=False).max() == 0
    assert detection.evaluate_detection(Grid.of({("fog", 1): 0.4}, 0.4)) == {"mPC": 0.4, "rPC": 100.0}


@settings(deadline=None, max_examples=30)
@given(grids, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(grid, random):
    rows = list(grid.rows)
    random.shuffle(rows)
    shuffled = grid.selected(rows)

    for metric in (corruption_error.mean_corruption_error, corruption_error.relative_mean_corruption_error):
        assert metric(shuffled, ALEXNET) == metric(grid, ALEXNET)
    assert float(shuffled.mean) == pytest.approx(float(grid.mean))


@settings(deadline=None, max_examples=30)
@given(grids, st.floats(0.01, 1))
def test_mce_scales_with_the_errors_and_lies_between_its_rows(grid, factor):
    smaller = Grid(grid.rows, grid.severities, grid.values * factor)
    rows = corruption_error.corruption_errors(grid, ALEXNET)

    mean = float(corruption_error.mean_corruption_error(grid, ALEXNET))

    assert rows.min() - 1e-9 <= mean <= rows.max() + 1e-9
    assert float(corruption_error.mean_corruption_error(smaller, ALEXNET)) == pytest.approx(mean * factor, abs=1e-9)


def test_alexnets_means_are_the_published_denominators():
    means = [100 * ALEXNET.mean("error", row) for row in ALEXNET.main]

    assert means == pytest.approx(PUBLISHED_MEANS, abs=1e-9)


def test_ce_is_a_ratio_of_sums_and_not_a_mean_of_ratios():
    table = tables.read_baseline(
        "small", {"baseline": {"clean": 0.1, "severities": [1, 2]}, "error": {"fog": [0.2, 0.8]}}
    )
    errors = Grid.of({("fog", 1): 0.4, ("fog", 2): 0.4}, clean=0.2)

    scores = corruption_error.evaluate_corruption_errors(errors, table)

    # (0.4 + 0.4) / (0.2 + 0.8); the mean of 2 and 0.5 would be 125. Relative: (0.2 + 0.2) / (0.1 + 0.7).
    assert scores == pytest.approx({"mean": 80, "fog": 80, "relative mean": 50, "relative fog": 50})


def test_the_four_extra_rows_are_never_in_mce():
    values = {(row, s): 0.5 for row in (*ALEXNET.main, "saturate", "spatter") for s in range(1, 6)}
    with_more = Grid.of(values | {("saturate", s): 1.0 for s in range(1, 6)})

    expected = np.mean([50 / ALEXNET.mean("error", row) for row in ALEXNET.main])
    assert float(corruption_error.mean_corruption_error(with_more, ALEXNET)) == pytest.approx(expected)


def test_missing_cells_are_named_and_never_averaged_over():
    partial = ALEXNET.grid("error").selected(ALEXNET.main[:-1])
    few = ALEXNET.grid("error").selected(severities=[1, 2, 3, 4])

    with pytest.raises(ScoreError, match=r"5 of 75 cells are missing: jpeg_compression/1, .* so pass them all"):
        corruption_error.mean_corruption_error(partial, ALEXNET)
    with pytest.raises(ScoreError, match=r"15 of 75 cells are missing: gaussian_noise/5, .* and 10 more"):
        corruption_error.mean_corruption_error(few, ALEXNET)
    with pytest.raises(ScoreError, match="1 of 4 cells are missing: snow/2"):
        Grid.of({("fog", 1): 0.1, ("fog", 2): 0.2, ("snow", 1): 0.3})
    with pytest.raises(ScoreError, match="frost/1"):
        group_means(Grid.of({("fog", 1): 0.1}), {"weather": ("fog", "frost")})
    with pytest.raises(ScoreError, match="nothing is known; pass clean"):
        corruption_error.relative_mean_corruption_error(constant(0.5), ALEXNET)


def test_percentages_and_numbers_that_are_none_are_refused():
    with pytest.raises(ScoreError, match="divide percentages by 100"):
        corruption_error.evaluate_corruption_errors(constant(55.0), ALEXNET)
    with pytest.raises(ScoreError, match="fog/1 has no finite value"):
        Grid.of({("fog", 1): float("nan")})
    with pytest.raises(ScoreError, match="the clean images have no finite value"):
        Grid.of({("fog", 1): 0.5}, float("inf"))
    with pytest.raises(ScoreError, match="a row or severity occurs twice"):
        Grid(("fog", "fog"), (1.0,), np.zeros((2, 1)))
    with pytest.raises(ScoreError, match=r"values of shape \(2, 2\)"):
        Grid(("fog",), (1.0,), np.zeros((2, 2)))


def test_group_means_are_means_over_all_cells_of_a_group():
    grid = Grid.of({("fog", 1): 0.1, ("fog", 2): 0.3, ("snow", 1): 0.5, ("snow", 2): 0.7})

    assert {name: float(mean) for name, mean in group_means(grid, {"a": ["fog"], "all": ["fog", "snow"]}).items()} == (
        pytest.approx({"a": 0.2, "all": 0.4})
    )


# BE and rBE


def test_be_and_rbe_are_what_the_reference_gives_for_the_same_scores(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    compare = importlib.import_module("compare_metrics")
    golden = json.loads((ROOT / "tests/golden/medmnistc.json").read_text("utf-8"))["metrics"]
    names = {name.split("/")[1]: name for name in baseline_names() if name.startswith("medmnist-c/")}
    assert golden.keys() == names.keys()
    assert len(names) == 12

    for dataset, name in names.items():
        table = baseline(name)
        ours = compare.own(dataset, table, compare.scores(dataset, table))

        theirs = golden[dataset]
        assert ours["mean"] == pytest.approx(100 * theirs["be"], rel=1e-9), dataset
        assert ours["relative mean"] == pytest.approx(100 * theirs["rbe"], rel=1e-9), dataset


def test_be_and_rbe_by_hand():
    table = tables.read_baseline(
        "hand", {"baseline": {"clean": 0.2}, "balanced_error": {"bubble": 0.4, "pixelate": 0.5}}
    )
    cells = {("bubble", s): 0.1 * s for s in range(1, 6)} | {("pixelate", s): 0.25 for s in range(1, 6)}

    scores = corruption_error.evaluate_corruption_errors(Grid.of(cells, clean=0.1), table, "balanced_error")

    assert scores == pytest.approx(
        {
            "mean": 62.5,
            "bubble": 75,
            "pixelate": 50,
            "relative mean": 75,
            "relative bubble": 100,
            "relative pixelate": 50,
        }
    )


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("pneumoniamnist", ["contrast_up", "gamma_corr_up"]),
        ("chestmnist", ["brightness_up", "brightness_down", "contrast_up", "contrast_down", "gamma_corr_up",
                        "gamma_corr_down"]),
        ("breastmnist", ["contrast_down"]),
        ("bloodmnist", ["saturate"]),
        ("pathmnist", ["bubble"]),
        ("organamnist", []),
    ],
)  # fmt: skip
def test_denominators_that_say_little_are_warned_of_by_name(name, rows):
    table = baseline(f"medmnist-c/{name}")
    grid = Grid.of({(row, s): 0.3 for row in table.rows("balanced_error") for s in range(1, 6)}, clean=0.2)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        corruption_error.evaluate_corruption_errors(grid, table, "balanced_error")

    assert sorted(corruption_error.weak_denominators(table, "balanced_error")) == sorted(rows)
    assert [w.category for w in caught] == [corruption_error.WeakDenominator] * bool(rows)
    assert all(row in str(w.message) for w in caught for row in rows)
    assert ("worse model gets a lower number" in "".join(str(w.message) for w in caught)) == (name == "pneumoniamnist")


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40))
def test_balanced_errors_are_those_of_scikit_learn(pairs):
    truth, predicted = np.array(pairs).T

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of predicted classes that are not in the truth
        expected = 1 - balanced_accuracy_score(truth, predicted)

    assert float(balanced.balanced_error(truth == predicted, truth)) == pytest.approx(expected)


def test_scores_become_decisions_as_the_reference_takes_them():
    scores = np.array([[0.5, 0.5], [0.3, 0.7], [0.6, 0.4]])

    assert balanced.decisions(scores, "multi-class").ravel().tolist() == [0, 1, 0]
    assert balanced.decisions(scores, "binary-class").ravel().tolist() == [0, 1, 0]
    assert balanced.decisions(scores, "binary-class", 0.3).ravel().tolist() == [1, 1, 1]
    assert balanced.decisions(scores, "multi-label, binary-class").tolist() == [[0, 0], [0, 1], [1, 0]]
    assert balanced.decisions(scores, "multi-label, binary-class", [0.4, 0.4]).tolist() == [[1, 1], [0, 1], [1, 0]]
    with pytest.raises(ScoreError, match="3 thresholds for 2 labels"):
        balanced.decisions(scores, "multi-label, binary-class", [0.1, 0.2, 0.3])
    with pytest.raises(UnknownName, match="did you mean 'multi-class'"):
        balanced.decisions(scores, "multiclass")


# Detection


def test_rpc_is_the_published_share():
    published = Grid.of({("fog", s): 0.122 for s in range(1, 6)}, clean=0.364)

    assert detection.evaluate_detection(published) == pytest.approx({"mPC": 0.122, "rPC": 33.5}, abs=0.05)


def test_the_ratio_can_be_taken_class_by_class():
    by_class = Grid(("fog",), (1.0,), np.array([[[0.2]], [[0.6]]]), np.array([0.4, 0.8]))

    assert detection.relative_performance(by_class).mean() == pytest.approx((50 + 75) / 2)
    with pytest.raises(ScoreError, match="clean performance is 0"):
        detection.relative_performance(Grid.of({("fog", 1): 0.1}, 0.0))


# Sequences


def test_flips_are_counted_over_pairs_and_noise_against_the_first_frame():
    predictions = np.array([[1, 1, 2, 1, 2]])

    assert sequences.flips(predictions, noise=False).tolist() == [0.75]
    assert sequences.flips(predictions, noise=True).tolist() == [0.5]
    assert sequences.flips(predictions, noise=False, difficulty=2).tolist() == [pytest.approx(1 / 3)]
    assert sequences.flips(predictions, noise=True, difficulty=2).tolist() == [0.5]
    assert len(list(sequences.frame_pairs(31, noise=False))) == 30
    assert len(list(sequences.frame_pairs(31, noise=False, difficulty=3))) == 28
    assert sequences.is_noise("gaussian_noise")
    assert not sequences.is_noise("translate")


def test_top_5_distances_by_hand():
    first = np.arange(10, 0, -1.0)  # classes 0, 1, 2, ... in this order
    swapped = first.copy()
    swapped[[0, 1]] = swapped[[1, 0]]
    gone = first[::-1]
    sixth_first = np.array([9, 8, 7, 6, 5, 10, 4, 3, 2, 1.0])

    def distance(later):
        return sequences.top5_distances(np.array([[first, later]]), noise=False)[0]

    assert distance(first) == 0
    assert distance(swapped) == 2
    assert distance(gone) == 5 + 4 + 3 + 2 + 1
    assert distance(sixth_first) == 5  # each of the five goes down by one
    # |1 - 1/2| / 1 + |1/2 - 1| / 2 of the two that are swapped.
    assert sequences.zipf_distances(np.array([[first, swapped]]), noise=False)[0] == pytest.approx(0.75)


def test_equal_scores_rank_the_lower_class_first():
    even = np.zeros((1, 2, 7))

    assert sequences.top5_distances(even, noise=False).tolist() == [0]


def test_mean_flip_rates_are_those_published_of_two_networks():
    rows = PERTURBATIONS.rows("flip_probability")
    supervised = [10.63, 13.10, 4.46, 3.52, 5.78, 2.61, 4.02, 5.59, 3.31, 8.87]

    probabilities = {row: value / 100 for row, value in zip(rows, supervised, strict=True)}

    assert sequences.mean_flip_rate(probabilities, PERTURBATIONS) == pytest.approx(46.15, abs=0.02)
    own = {row: PERTURBATIONS.mean("flip_probability", row) for row in rows}
    distances = {row: PERTURBATIONS.mean("top5_distance", row) for row in rows}
    scores = sequences.evaluate_sequences(own, PERTURBATIONS, distances)
    assert scores["mFR"] == pytest.approx(100)
    assert scores["mT5D"] == pytest.approx(100)


def test_the_constants_that_nobody_published_are_marked():
    assert not PERTURBATIONS.verified
    assert all(baseline(name).verified for name in baseline_names() if name != "imagenet-p/alexnet")


def test_wrong_sequences_are_refused():
    rows = {row: 0.1 for row in PERTURBATIONS.rows("flip_probability") if row != "snow"}
    with pytest.raises(ScoreError, match="missing: snow; unknown: spatter"):
        sequences.mean_flip_rate(rows | {"spatter": 0.1}, PERTURBATIONS)
    with pytest.raises(ScoreError, match="allowed are 1, 2 and 3"):
        sequences.flips(np.zeros((1, 9), int), noise=False, difficulty=4)
    with pytest.raises(ScoreError, match="2 frames leave no pair at difficulty 3"):
        sequences.flips(np.zeros((1, 2), int), noise=False, difficulty=3)
    with pytest.raises(ScoreError, match="integers"):
        sequences.flips(np.zeros((1, 9)), noise=False)
    with pytest.raises(ScoreError, match="finite"):
        sequences.top5_distances(np.full((1, 2, 9), np.nan), noise=False)


# Low resolution


def test_robustness_to_low_resolution_has_the_worked_values():
    low, full, chance = [0.30, 0.11, 0.102], [0.60, 0.12, 0.105], [0.001, 0.10, 0.10]

    improved = resolution.improved_robustness(low, full, chance)

    assert improved == pytest.approx([0.5, 0.0705, 0.00485], abs=5e-5)
    assert resolution.relative_robustness(low, full) == pytest.approx([0.5, 0.11 / 0.12, 0.102 / 0.105])
    assert float(resolution.improved_robustness(0.05, 0.1, 0.1)) == 0


def test_weights_of_data_sets_are_all_or_nothing():
    known = weights("lr0-fm")
    assert len(known) == 15
    assert sum(known.values()) == pytest.approx(4.52492535, abs=1e-7)
    assert resolution.weighted_aggregate(dict.fromkeys(known, 0.5), known) == pytest.approx(0.5)
    assert resolution.weighted_aggregate({"a": 1.0, "b": 0.0}, {"a": 3, "b": 1}) == 0.75

    with pytest.raises(ScoreError, match="no robustness: EuroSAT"):
        resolution.weighted_aggregate({name: 0.5 for name in known if name != "EuroSAT"}, known)
    with pytest.raises(ScoreError, match="no weight: MNIST"):
        resolution.weighted_aggregate(dict.fromkeys([*known, "MNIST"], 0.5), known)


def test_low_resolution_is_evaluated_as_a_whole():
    scores = resolution.evaluate_resolution({"a": (0.3, 0.6, 0.001), "b": (0.11, 0.12, 0.1)}, {"a": 1.0, "b": 3.0})

    assert scores == pytest.approx({"SAR": (0.5 + 0.11 / 0.12) / 2, "improved SAR": 0.28524, "WAR": 0.17786}, abs=1e-4)


# Translations


@pytest.mark.parametrize("windows", [2, 3, 9])
def test_agreement_is_the_share_of_pairs_of_windows_that_are_classified_alike(windows):
    predictions = np.random.RandomState(1843956201).randint(3, size=(40, windows))
    pairs = list(itertools.combinations(range(windows), 2))

    counted = [np.mean([line[one] == line[other] for one, other in pairs]) for line in predictions]

    assert translation.agreement(predictions) == pytest.approx(counted)


def test_translations_are_evaluated_as_a_whole():
    predictions = np.array([[1, 1, 1], [2, 2, 0], [0, 0, 0], [3, 1, 2]])

    scores = translation.evaluate_translations(predictions, reference=[1, 2, 0, 1], truth=[1, 2, 3, 3])

    assert scores == pytest.approx(
        {
            "agreement": (1 + 1 / 3 + 1 + 0) / 4,
            "consistency": (3 + 2 + 3 + 1) / 12,
            "adversarial robustness": 0.5,
            "accuracy": (3 + 2 + 0 + 1) / 12,
            "worst-case accuracy": 0.25,
            # Of the first two, which are right where nothing is moved.
            "adversarial robustness where right": 0.5,
        }
    )
    assert set(translation.evaluate_translations(predictions)) == {"agreement"}
    assert translation.evaluate_translations([[1], [2]], truth=[1, 3]) == {"accuracy": 0.5, "worst-case accuracy": 0.5}


def test_windows_of_the_diagonal_are_measured_one_by_one():
    probabilities = np.array([[[0.9, 0.1], [0.2, 0.8]], [[0.4, 0.6], [0.5, 0.5]]])

    assert translation.probability_by_window(probabilities, [0, 1]) == pytest.approx([0.75, 0.35])
    assert translation.accuracy_by_window(probabilities.argmax(axis=2), [0, 1]).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: translation.agreement([[1], [2]]), "one window of a picture makes no pair"),
        (lambda: translation.agreement([1, 2]), r"predictions have shape \(2,\)"),
        (lambda: translation.agreement([[0.5, 0.5]]), "type float64; pass .* whole numbers"),
        (lambda: translation.always([[1, 2]], [1, 2]), "pass 1 whole numbers, one for each picture"),
        (lambda: translation.probability_by_window([[[0.5, 0.5]]], [2]), "beyond the 2 classes"),
        (lambda: translation.probability_by_window([[0.5, 0.5]], [1]), "probabilities have shape"),
    ],
)
def test_wrong_predictions_of_windows_are_refused(call, message):
    with pytest.raises(ScoreError, match=message):
        call()


# Continuous severities


def test_failure_points_have_the_worked_values():
    correct = np.array([[1, 1, 1], [0, 1, 1], [1, 0, 1]], bool)  # by severity and item; a later recovery does not count

    points = trajectory.failure_points(correct, [0.5, 1.0, 2.0])

    assert points == pytest.approx([1.0, 2.0, np.nan], nan_ok=True)
    assert float(trajectory.mean_failure_point(points)) == 1.5
    assert float(trajectory.failure_margin(points, 3)) == 1.0
    assert trajectory.failure_histogram(points, [0.5, 1.0, 2.0]).tolist() == [0, 1, 1, 1]
    assert trajectory.end_of([0, 0.5, 1, 1.5, 2, 2.5]) == 3
    assert np.isnan(trajectory.mean_failure_point([np.nan]))
    with pytest.raises(ScoreError, match="beyond the end"):
        trajectory.failure_margin(points, 1.5)


def test_the_area_does_not_depend_on_where_a_straight_line_is_measured():
    for severities in ((1, 2, 3, 4, 5), (0.5, 4.5, 5.0), (5.0,)):
        line = Grid.of({("fog", s): 0.1 + 0.1 * s for s in severities}, clean=0.1)

        assert float(trajectory.area_under_severity(line)[0]) == pytest.approx(0.35)

    levels = Grid.of({("fog", s): error for s, error in zip(range(1, 6), [0.1, 0.2, 0.4, 0.6, 0.9], strict=True)})
    assert float(trajectory.area_under_severity(levels, from_clean=False)[0]) == pytest.approx(1.7 / 4)


def test_drops_are_below_the_clean_accuracy():
    scores = trajectory.evaluate_trajectory(Grid.of({("fog", 1): 0.3, ("fog", 2): 0.6}, clean=0.2))

    assert scores == pytest.approx({"area": 0.35, "area fog": 0.35, "largest drop fog": 0.4})


# Effective robustness


def test_models_on_the_trend_have_no_effective_robustness():
    clean = np.array([0.6, 0.7, 0.8, 0.9])
    shifted = 1 / (1 + np.exp(-(0.8 * np.log(clean / (1 - clean)) - 0.5)))

    line = effective.trend(clean, shifted)

    assert (line.slope, line.intercept) == pytest.approx((0.8, -0.5))
    assert effective.effective_robustness(clean, shifted, line) == pytest.approx(np.zeros(4), abs=1e-12)
    assert float(effective.effective_robustness(0.7, 0.9, line)) > 0
    # A ResNet-50 on COCO-O: 37.4 AP becomes 16.4.
    assert float(effective.effective_robustness(0.374, 0.164, effective.Trend(0.45, 0, "linear"))) == pytest.approx(
        -0.0043, abs=1e-4
    )


def test_trends_need_models_that_have_a_place_on_their_scale():
    with pytest.raises(ScoreError, match="have no place on the logit scale"):
        effective.trend([0.5, 1.0], [0.2, 0.9])
    with pytest.raises(ScoreError, match="at least two unlike models"):
        effective.trend([0.5, 0.5], [0.2, 0.3])
    with pytest.raises(UnknownName, match="did you mean 'logit'"):
        effective.trend([0.5, 0.6], [0.2, 0.3], "logits")


# Calibration and conformal sets


def test_calibration_errors_by_hand():
    # Two bins: two answers of confidence 0.9, one of them right; two of 0.6, both right.
    confidence, correct = [0.9, 0.9, 0.6, 0.6], [True, False, True, True]

    assert float(calibration.expected_calibration_error(confidence, correct)) == pytest.approx((0.4 + 0.4) / 2)
    assert float(calibration.expected_calibration_error(confidence, correct, bins=1)) == pytest.approx(0)
    with pytest.raises(ScoreError, match="divide percentages by 100"):
        calibration.expected_calibration_error([90.0], [True])


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30))
def test_failure_detection_is_the_area_that_scikit_learn_gives(pairs):
    confidence, correct = np.array([pair[0] for pair in pairs]) / 5, np.array([pair[1] for pair in pairs])

    area = float(calibration.failure_detection(confidence, correct))

    if correct.all() or not correct.any():
        assert np.isnan(area)
    else:
        assert area == pytest.approx(roc_auc_score(correct, confidence))


def test_one_cell_is_evaluated_from_probabilities():
    probabilities = [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]

    assert calibration.evaluate_calibration(probabilities, [0, 1, 1]) == pytest.approx(
        {"ECE": 0.3, "failure detection": 1.0}
    )
    with pytest.raises(ScoreError, match="apply softmax first"):
        calibration.evaluate_calibration([[0.9, 0.9]], [0])


def test_conformal_sets_cover_as_many_clean_images_as_promised():
    rng = np.random.RandomState(1843956201)
    probabilities = rng.dirichlet(np.ones(5), 2000)
    classes = np.array([rng.choice(5, p=row) for row in probabilities])
    half, other = slice(0, 1000), slice(1000, 2000)

    scores = conformal.evaluate_conformal(
        probabilities[other], classes[other], probabilities[half], classes[half], alpha=0.2
    )

    assert scores["coverage"] == pytest.approx(0.8, abs=0.04)
    assert 1 < scores["mean set size"] < 5


def test_conformal_sets_by_hand():
    truth = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]  # the ninth of ten: nothing can be promised beyond it

    assert conformal.least_probability(truth, 0.1) == 0.1
    assert conformal.least_probability(truth, 0.5) == 0.5
    assert conformal.least_probability(truth, 0.05) == 0
    assert conformal.set_sizes([[0.6, 0.3, 0.1], [1.0, 0.0, 0.0]], 0.3).tolist() == [2, 1]
    assert float(conformal.abstention([2, 1])) == 0.5
    assert float(conformal.coverage([0.3, 0.29], 0.3)) == 0.5


# Intervals


def test_resampling_with_every_item_once_changes_nothing():
    rng = np.random.RandomState(1843956201)
    correct, classes, confidence = rng.rand(2, 3, 40) < 0.7, rng.randint(4, size=40), rng.rand(40)
    once = np.ones((2, 40))
    points = np.where(correct[0], np.nan, 1.0)

    metrics: tuple[tuple[Callable[..., Any], tuple[Any, ...]], ...] = (
        (resampling.weighted_mean, (correct,)),
        (lambda c, w: balanced.balanced_error(c, classes, w), (correct,)),
        (balanced.error_rate, (correct[..., None],)),
        (calibration.expected_calibration_error, (confidence, correct[0, 0])),
        (calibration.failure_detection, (confidence, correct[0, 0])),
        (trajectory.mean_failure_point, (points,)),
        (lambda p, w: trajectory.failure_margin(p, 6, w), (points,)),
    )

    for metric, values in metrics:
        plain, resampled = metric(*values, None), metric(*values, once)

        assert resampled.shape == (2, *np.shape(plain))
        assert resampled == pytest.approx(np.stack([plain, plain]))


def test_a_weight_is_a_repetition():
    rng = np.random.RandomState(1843956201)
    correct, classes, confidence = rng.rand(30) < 0.6, rng.randint(3, size=30), rng.rand(30)
    counts = rng.randint(3, size=30)
    repeated = np.repeat(np.arange(30), counts)

    for metric in (
        lambda c, k, p, w: balanced.balanced_error(c, k, w),
        lambda c, k, p, w: calibration.expected_calibration_error(p, c, w),
        lambda c, k, p, w: calibration.failure_detection(p, c, w),
    ):
        weighted = metric(correct, classes, confidence, counts[None].astype(float))[0]
        plain = metric(correct[repeated], classes[repeated], confidence[repeated], None)

        assert weighted == pytest.approx(float(plain))


def test_an_interval_is_that_of_the_normal_approximation():
    flags = np.arange(1000) < 300

    found = interval(lambda w: resampling.weighted_mean(flags, w), 1000, count=1000)

    half = 1.96 * np.sqrt(0.3 * 0.7 / 1000)
    assert found.value == 0.3
    assert (found.low, found.high) == pytest.approx((0.3 - half, 0.3 + half), abs=0.005)
    assert found == interval(lambda w: resampling.weighted_mean(flags, w), 1000, count=1000)
    assert found != interval(lambda w: resampling.weighted_mean(flags, w), 1000, count=1000, seed=1)


def test_the_interval_of_a_biased_score_is_shifted_back():
    rng = np.random.RandomState(1843956201)
    confidence = rng.rand(100)
    correct = rng.rand(100) < confidence

    def ece(w):
        return calibration.expected_calibration_error(confidence, correct, w)

    plain, shifted = interval(ece, 100, count=400), interval(ece, 100, count=400, biased=True)

    assert shifted.low < shifted.value < shifted.high
    assert shifted.high - shifted.low == pytest.approx(plain.high - plain.low)
    assert shifted.high < plain.high


# Baselines


def test_every_shipped_baseline_is_read():
    names = baseline_names()

    assert len(names) == 15
    for name in names:
        assert baseline(name).title


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"no section \[baseline\]"),
        ('[baseline]\ntitel = "x"\n[error]\nfog = 0.1', "did you mean 'title'"),
        ('[baseline]\ntitle = "x"\n[errors]\nfog = 0.1', "did you mean 'error'"),
        ('[baseline]\ntitle = "x"', "there are no numbers"),
        ('[baseline]\ntitle = "x"\n[error]\nfog = [0.1, 0.2]', r"mine.toml \[error\] fog: 2 numbers for 5 severities"),
        ('[baseline]\ntitle = "x"\n[error]\nfog = "high"', "found 'high', allowed are numbers from 0"),
        ('[baseline]\nmain = ["snow"]\n[error]\nfog = 0.1', "no row of .error. is called 'snow'"),
        ("[baseline", "cannot read this baseline"),
    ],
)
def test_a_wrong_baseline_says_what_is_wrong(tmp_path, text, message):
    (tmp_path / "mine.toml").write_text(text, "utf-8")

    with pytest.raises(ScoreError, match=message):
        baseline(str(tmp_path / "mine.toml"))


def test_unknown_baselines_are_refused_with_the_nearest():
    with pytest.raises(UnknownName, match="did you mean 'imagenet-c/alexnet'"):
        baseline("imagenet-c/alexnett")
    with pytest.raises(ScoreError, match=r"nothing.toml: cannot read this baseline: No such file"):
        baseline("nothing.toml")
    with pytest.raises(ScoreError, match="has no balanced_error, only error"):
        corruption_error.mean_corruption_error(constant(0.5), ALEXNET, "balanced_error")
    with pytest.raises(UnknownName, match="did you mean 'lr0-fm'"):
        weights("lr0fm")
