"""Sequences of frames, as in ImageNet-P: how often predictions flip and rankings move as a perturbation grows."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from corruptgen.errors import ScoreError
from corruptgen.metrics.baselines import Baseline
from corruptgen.metrics.grid import Numbers

TOP = 5
FLIPS, DISTANCES = "flip_probability", "top5_distance"


def is_noise(perturbation: str) -> bool:
    """Check whether frames are compared with the first one, as the benchmark does where the name states noise.

    Parameters
    ----------
    perturbation : str
        Name of a perturbation.

    Returns
    -------
    bool
        True for the noises.

    Examples
    --------
    >>> is_noise("shot_noise"), is_noise("tilt")
    (True, False)
    """
    return "noise" in perturbation


def frame_pairs(frames: int, *, noise: bool, difficulty: int = 1) -> Iterator[tuple[int, int]]:
    """Return which frame is compared with which earlier one: (earlier, later).

    Parameters
    ----------
    frames : int
        Their number in each sequence.
    noise : bool
        Every frame with the first, clean one; else each with the one `difficulty` before it.
    difficulty : int, default 1
        1, 2 or 3; of noise, harder sequences are other files, and this changes nothing.

    Returns
    -------
    iterator of (int, int)
        Numbers of two frames, counted from 0.

    Examples
    --------
    >>> list(frame_pairs(4, noise=False))
    [(0, 1), (1, 2), (2, 3)]
    >>> list(frame_pairs(4, noise=True))
    [(0, 1), (0, 2), (0, 3)]
    """
    if difficulty not in (1, 2, 3):
        raise ScoreError(f"the difficulty is {difficulty!r}; allowed are 1, 2 and 3")
    step = 1 if noise else difficulty
    if frames <= step:
        raise ScoreError(f"{frames} frames leave no pair at difficulty {difficulty}; pass longer sequences")
    for later in range(step, frames):
        yield (0 if noise else later - step), later


def flips(predictions: ArrayLike, *, noise: bool, difficulty: int = 1) -> Numbers:
    """Return the share of each sequence's pairs whose predictions differ.

    Parameters
    ----------
    predictions : array_like, shape (sequences, frames)
        Whole numbers.
    noise, difficulty : bool, int
        As in `frame_pairs`.

    Returns
    -------
    float or ndarray
        (sequences,): fractions; lower is better. Their mean is the flip probability.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261

    Examples
    --------
    >>> flips([[1, 1, 2, 2], [3, 3, 3, 3]], noise=False).tolist()
    [0.3333333333333333, 0.0]
    """
    classes = np.asarray(predictions)
    if classes.ndim != 2 or not np.issubdtype(classes.dtype, np.integer):
        raise ScoreError(
            f"predictions have shape {classes.shape} and type {classes.dtype}; pass (sequences, frames) integers"
        )
    earlier, later = _pairs(classes.shape[1], noise=noise, difficulty=difficulty)
    return (classes[:, earlier] != classes[:, later]).mean(axis=1)


def top5_distances(scores: ArrayLike, *, noise: bool, difficulty: int = 1) -> Numbers:
    """Return how far the five highest classes move in each sequence's pairs, on average.

    Parameters
    ----------
    scores : array_like, shape (sequences, frames, classes)
        Higher is likelier; of equal scores the lower class number ranks first.
    noise, difficulty : bool, int
        As in `frame_pairs`.

    Returns
    -------
    float or ndarray
        (sequences,): Σ_{i≤5} abs((i-1) - min(σ(i)-1, 5)) with σ(i) the rank in the later frame of the class that is
        i-th in the earlier one; from 0, nothing moves, to 15, all five leave. Lower is better.

    Examples
    --------
    >>> import numpy as np
    >>> scores = np.tile(np.arange(6.0), (1, 3, 1))
    >>> top5_distances(scores, noise=False).tolist()
    [0.0]
    """
    return ranking_distances(_ranked(scores)[1][:, :, :TOP], noise=noise, difficulty=difficulty)


def ranking_distances(tops: ArrayLike, *, noise: bool, difficulty: int = 1) -> Numbers:
    """Return what `top5_distances` returns, of the classes with the five highest scores.

    Parameters
    ----------
    tops : array_like, shape (sequences, frames, up to 5)
        Numbers of classes, the highest score first.
    noise, difficulty : bool, int
        As in `frame_pairs`.

    Returns
    -------
    float or ndarray
        (sequences,): distances from 0, nothing moves, to 15, all five leave; lower is better.

    Examples
    --------
    >>> ranking_distances([[[7, 3, 1, 0, 2], [3, 7, 1, 0, 9]]], noise=False).tolist()
    [3.0]
    """
    classes = np.asarray(tops)
    if classes.ndim != 3 or not 0 < classes.shape[2] <= TOP:
        raise ScoreError(f"the highest classes have shape {classes.shape}; pass (sequences, frames, up to {TOP})")
    earlier, later = _pairs(classes.shape[1], noise=noise, difficulty=difficulty)
    is_same = classes[:, earlier, :, None] == classes[:, later, None, :]
    new = np.where(is_same.any(axis=3), is_same.argmax(axis=3), TOP)
    return np.abs(np.arange(classes.shape[2]) - new).sum(axis=2).mean(axis=1)


def zipf_distances(scores: ArrayLike, *, noise: bool, difficulty: int = 1) -> Numbers:
    """Return how far all classes move, high ones weighing more; lower is better.

    Parameters
    ----------
    scores : array_like, shape (sequences, frames, classes)
    noise, difficulty : bool, int
        As in `frame_pairs`.

    Returns
    -------
    float or ndarray
        (sequences,): Σ_i abs(1/i - 1/σ(i)) / i over all ranks i, σ as for `top5_distances`.

    Examples
    --------
    >>> zipf_distances([[[3.0, 2.0, 1.0], [2.0, 3.0, 1.0]]], noise=False).tolist()
    [0.75]
    """
    ranks, orders = _ranked(scores)
    earlier, later = _pairs(ranks.shape[1], noise=noise, difficulty=difficulty)
    new = np.take_along_axis(ranks[:, later], orders[:, earlier], axis=2) + 1
    old = np.arange(1, ranks.shape[2] + 1)
    return (np.abs(1 / old - 1 / new) / old).sum(axis=2).mean(axis=1)


def mean_flip_rate(probabilities: Mapping[str, float], baseline: Baseline) -> float:
    """Return mFR: the mean over perturbations of the flip probability in percent of the baseline's; lower is better.

    Parameters
    ----------
    probabilities : mapping of str to float
        The flip probability of each perturbation of the baseline, fractions.
    baseline : Baseline
        "imagenet-p/alexnet" is shipped, and is UNVERIFIED: no public source states its numbers.

    Returns
    -------
    float
        In percent of the baseline; lower is better.

    Raises
    ------
    ScoreError
        If a perturbation of the baseline is missing, or there is one that it does not have.

    Examples
    --------
    >>> from corruptgen.metrics import baseline
    >>> alexnet = baseline("imagenet-p/alexnet")
    >>> probabilities = {row: alexnet.mean("flip_probability", row) for row in alexnet.rows("flip_probability")}
    >>> round(mean_flip_rate(probabilities, alexnet), 6)
    100.0
    """
    return _mean_rate(probabilities, baseline, FLIPS)


def mean_top5_distance(distances: Mapping[str, float], baseline: Baseline) -> float:
    """Return mT5D, the mean over the perturbations of the top-5 distance in percent of the baseline's; lower is better.

    Parameters
    ----------
    distances : mapping of str to float
        By perturbation.
    baseline : Baseline
        As for `mean_flip_rate`; nothing at all supports the distances of the shipped one.

    Returns
    -------
    float
        In percent of the baseline; lower is better.

    Examples
    --------
    >>> from corruptgen.metrics import baseline
    >>> alexnet = baseline("imagenet-p/alexnet")
    >>> distances = {row: alexnet.mean("top5_distance", row) for row in alexnet.rows("top5_distance")}
    >>> round(mean_top5_distance(distances, alexnet), 6)
    100.0
    """
    return _mean_rate(distances, baseline, DISTANCES)


def check_predictions(values: Mapping[str, float], baseline: Baseline, measure: str = FLIPS) -> None:
    """Raise `ScoreError` if perturbations are missing or unknown, or numbers are negative or not finite.

    Parameters
    ----------
    values : mapping of str to float
        A number for each perturbation.
    baseline : Baseline
        The baseline that they are compared with.
    measure : str
        What the numbers are: "flip_probability" or "top5_distance".

    Examples
    --------
    >>> from corruptgen.metrics import baseline
    >>> alexnet = baseline("imagenet-p/alexnet")
    >>> check_predictions(dict.fromkeys(alexnet.rows("flip_probability"), 0.1), alexnet)
    """
    rows = baseline.rows(measure)
    missing, strange = sorted(set(rows) - values.keys()), sorted(values.keys() - set(rows))
    if missing or strange:
        kinds = {"missing": missing, "unknown": strange}
        found = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in kinds.items() if names)
        raise ScoreError(f"the baseline {baseline.name} is for {len(rows)} perturbations; {found}")
    for row, value in values.items():
        if not (np.isfinite(value) and value >= 0):
            raise ScoreError(f"{row}: found {value}, allowed are numbers from 0")


def evaluate_sequences(
    probabilities: Mapping[str, float], baseline: Baseline, distances: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Return the mean flip probability and mFR and, with distances, the same of these.

    Parameters
    ----------
    probabilities : mapping of str to float
        Flip probability of each perturbation, a fraction; higher is worse.
    baseline : Baseline
        100 is as good as this, 0 is perfect.
    distances : mapping of str to float or None
        Top-5 distance of each perturbation; higher is worse.

    Returns
    -------
    dict of str to float
        "mean FP" and "mFR" and, with distances, "mean T5D" and "mT5D"; lower is better.

    Examples
    --------
    >>> from corruptgen.metrics import baseline
    >>> alexnet = baseline("imagenet-p/alexnet")
    >>> probabilities = {row: alexnet.mean("flip_probability", row) for row in alexnet.rows("flip_probability")}
    >>> round(evaluate_sequences(probabilities, alexnet)["mFR"], 6)
    100.0
    """
    scores = {"mFR": mean_flip_rate(probabilities, baseline), "mean FP": float(np.mean(list(probabilities.values())))}
    if distances is not None:
        scores["mT5D"] = mean_top5_distance(distances, baseline)
        scores["mean T5D"] = float(np.mean(list(distances.values())))
    return scores


def _mean_rate(values: Mapping[str, float], baseline: Baseline, measure: str) -> float:
    check_predictions(values, baseline, measure)
    return float(np.mean([100 * value / baseline.mean(measure, row) for row, value in values.items()]))


def _pairs(frames: int, *, noise: bool, difficulty: int) -> tuple[list[int], list[int]]:
    earlier, later = zip(*frame_pairs(frames, noise=noise, difficulty=difficulty), strict=True)
    return list(earlier), list(later)


def _ranked(scores: ArrayLike) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rank of each class, from 0, and the classes in the order of their ranks."""
    numbers = np.asarray(scores, float)
    if numbers.ndim != 3 or not np.isfinite(numbers).all():
        raise ScoreError(f"scores have shape {numbers.shape}; pass finite numbers of (sequences, frames, classes)")
    orders = np.argsort(-numbers, axis=2, kind="stable")
    ranks = np.empty_like(orders)
    np.put_along_axis(ranks, orders, np.broadcast_to(np.arange(numbers.shape[2]), orders.shape), axis=2)
    return ranks, orders
