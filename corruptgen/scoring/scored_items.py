"""Evidence: the grids and curves that metrics are made of, of all items once or of resamples of them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.errors import ScoreError
from corruptgen.metrics import calibration, class_balance, conformal, patches, trajectory
from corruptgen.metrics.baselines import Baseline
from corruptgen.metrics.grid import Grid, Numbers
from corruptgen.metrics.resampling import Weights, weighted_mean
from corruptgen.scoring.frame_predictions import FramePredictions
from corruptgen.scoring.predictions import Predictions


@dataclass(frozen=True, eq=False)
class ScoringInput:
    """What is scored, and against what: the same for all resamples."""

    answers: Predictions | None = None
    error: Grid | None = None
    """From a table of results, instead of answers."""
    performance: Grid | None = None
    """Of another kind than error or accuracy, such as AP."""
    baseline: Baseline | None = None
    frames: FramePredictions | None = None
    """What was said about the frames of sequences, instead of answers."""
    common: tuple[str, ...] = ()
    """The rows that a benchmark averages over, where it leaves some out."""

    @property
    def known_baseline(self) -> Baseline:
        """The baseline, or `ScoreError`."""
        if self.baseline is None:
            raise ScoreError("this metric normalises by a baseline; name one with --baseline")
        return self.baseline

    @property
    def known_answers(self) -> Predictions:
        """The answers, or `ScoreError`."""
        if self.answers is None:
            raise ScoreError("this metric needs predictions of single images; a table of results does not have them")
        return self.answers

    @property
    def known_frames(self) -> FramePredictions:
        """What was said about frames, or `ScoreError`."""
        if self.frames is None:
            raise ScoreError("this metric needs predictions of the frames of sequences")
        return self.frames

    @cached_property
    def probabilities(self) -> tuple[Numbers, Numbers]:
        """Each prediction's probability and that of the truth, (rows, severities, items) each.

        Raises
        ------
        ScoreError
            If there are no scores, items have several labels, or the scores are no probabilities.
        """
        answers = self.known_answers
        if answers.scores is None or answers.truth.is_multi_label:
            raise ScoreError("this metric needs the scores of all classes, of items with one label each")
        scores = self._two_columns(answers.scores)
        calibration.check_probabilities(scores)
        return scores.max(axis=-1), conformal.truth_probabilities(scores, answers.truth.labels[:, 0])

    @cached_property
    def least(self) -> float:
        """The probability of the conformal sets, set on the clean images."""
        answers = self.known_answers
        if answers.clean_scores is None:
            raise ScoreError("this metric needs the scores of the clean images: row 'clean', severity 0")
        clean = self._two_columns(answers.clean_scores)
        calibration.check_probabilities(clean)
        return conformal.least_probability(conformal.truth_probabilities(clean, answers.truth.labels[:, 0]))

    @cached_property
    def set_sizes(self) -> Numbers:
        """(rows, severities, items)."""
        _ = self.probabilities
        scores = self.known_answers.scores
        return np.asarray(conformal.set_sizes(self._two_columns(np.asarray(scores)), self.least), float)

    @cached_property
    def failure_points(self) -> Numbers:
        """(rows, items): the first severity that fails, 0 if the clean image does."""
        answers = self.known_answers
        if answers.clean is None:
            raise ScoreError("this metric needs predictions of the clean images: row 'clean', severity 0")
        clean = np.broadcast_to(answers.clean.all(axis=-1), (len(answers.truth.rows), 1, len(answers.truth.ids)))
        correct = np.concatenate([clean, answers.correct.all(axis=-1)], axis=1)
        return trajectory.failure_points(correct, (0.0, *answers.truth.severities))

    @staticmethod
    def _two_columns(scores: NDArray[np.floating]) -> NDArray[np.floating]:
        """Write the probability of the second of two classes as those of both."""
        return np.concatenate([1 - scores, scores], axis=-1) if scores.shape[-1] == 1 else scores


@dataclass(frozen=True, eq=False)
class ScoredItems:
    """What metrics are computed from."""

    source: ScoringInput
    weights: Weights = None

    @cached_property
    def errors(self) -> Grid:
        """The plain errors."""
        if self.source.error is not None:
            return self.source.error
        answers = self.source.known_answers
        clean = None if answers.clean is None else class_balance.error_rate(answers.clean, self.weights)
        return self._grid(class_balance.error_rate(answers.correct, self.weights), clean)

    @cached_property
    def balanced(self) -> Grid:
        """The balanced errors."""
        answers = self.source.known_answers
        labels = answers.truth.labels
        clean = answers.clean
        return self._grid(
            class_balance.mean_balanced_error(answers.correct, labels, self.weights),
            None if clean is None else class_balance.mean_balanced_error(clean, labels, self.weights),
        )

    @cached_property
    def fooling(self) -> Grid:
        """The share of images, right when clean, that are wrong when corrupted."""
        frames = self.source.frames
        if frames is not None:
            truth, clean = frames.truth, frames.right_when_clean
            correct: NDArray[Any] = frames.right_frames
        else:
            answers = self.source.known_answers
            if answers.clean is None:
                raise ScoreError("this metric needs predictions of the clean images: row 'clean', severity 0")
            truth, clean = answers.truth, np.asarray(answers.clean.all(axis=-1))
            correct = np.asarray(answers.correct.all(axis=-1))
        if not clean.any():
            raise ScoreError("this metric is of images that are right when clean, and none is")
        # A resample may hold none of them: then none is fooled.
        rates = np.nan_to_num(patches.fooling_rate(correct, clean, self.weights))
        return truth.grid(rates)

    @cached_property
    def calibration(self) -> Grid:
        """ECE."""
        confidence, _ = self.source.probabilities
        correct = self.source.known_answers.correct[..., 0]
        cells = [
            [calibration.expected_calibration_error(c, r, self.weights) for c, r in zip(cs, rs, strict=True)]
            for cs, rs in zip(confidence, correct, strict=True)
        ]
        return self._grid(np.moveaxis(np.array(cells), (0, 1), (-2, -1)))

    @cached_property
    def failure_detection(self) -> Numbers:
        """(..., severities), all rows pooled."""
        confidence, _ = self.source.probabilities
        correct = self.source.known_answers.correct[..., 0]
        absent = self.source.known_answers.truth.absent
        there = np.ones(correct.shape[:2], bool) if absent is None else ~absent
        areas = [
            calibration.failure_detection(confidence[rows, s], correct[rows, s], self.weights)
            for s, rows in enumerate(there.T)
        ]
        return np.stack(areas, axis=-1)

    @cached_property
    def coverage(self) -> Grid:
        """The share of sets that hold the truth."""
        _, truth = self.source.probabilities
        return self._grid(conformal.coverage(truth, self.source.least, self.weights))

    @cached_property
    def abstention(self) -> Grid:
        """The share of sets that are not one single class."""
        return self._grid(conformal.abstention(self.source.set_sizes, self.weights))

    @cached_property
    def flips(self) -> Grid:
        """The flip probabilities of sequences."""
        return self._of_sequences(self.source.known_frames.flips)

    @cached_property
    def distances(self) -> Grid:
        """The top-5 distances of sequences."""
        return self._of_sequences(self.source.known_frames.distances)

    def _of_sequences(self, values: Numbers) -> Grid:
        truth = self.source.known_frames.truth
        return truth.grid(weighted_mean(values, self.weights))

    @property
    def performance(self) -> Grid:
        """Of the task, in its own unit."""
        if self.source.performance is None:
            raise ScoreError("this metric needs a table of results with the columns row, severity and performance")
        return self.source.performance

    def _grid(self, values: Numbers, clean: Numbers | None = None) -> Grid:
        return self.source.known_answers.truth.grid(values, clean)
