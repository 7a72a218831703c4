"""The draws behind every stochastic row: they follow their distributions, in the stream and in the pixels."""

import itertools
from collections import defaultdict

import numpy as np
import pytest
from scipy import stats

from corruptgen import corrupt
from corruptgen.randomness import rng_for
from corruptgen.tables import catalog
from tests.inputs import planes_for
from tests.pictures import photograph
from tests.test_contract import DRAWING_ROWS, _pictures_that_are_not_ours, sizes  # noqa: F401 - a fixture

UNLIKELY = 1e-4
# Whole numbers, such as the seeds of patterns, of which no two are likely to be drawn.
MANY = 2**20
SEED = 903461287


class Recorder:
    """A source of draws that notes every value, brought to the unit interval by its own distribution function."""

    def __init__(self, stream, notes):
        self._stream = stream
        self._notes = notes

    def _note(self, kind, values):
        self._notes[kind].append(np.ravel(values))
        return values

    def random(self, size=None):
        return self._note("uniform", self._stream.random(size))

    def uniform(self, low=0.0, high=1.0, size=None):
        values = self._stream.uniform(low, high, size)
        if high > low:
            self._note("uniform", (np.asarray(values) - low) / (high - low))
        return values

    def standard_normal(self, size=None):
        return self._note("normal", self._stream.standard_normal(size))

    def normal(self, loc=0.0, scale=1.0, size=None):
        return loc + scale * self.standard_normal(size)

    def integers(self, low, high=None, size=None):
        low, high = (0, low) if high is None else (low, high)
        values = self._stream.integers(low, high, size)
        if high - low > MANY:
            self._note("uniform", (np.asarray(values) - low + 0.5) / (high - low))
            return values
        self._note(f"integers({low}, {high})", np.asarray(values) - low)
        return values

    def poisson(self, lam=1.0, size=None):
        values = self._stream.poisson(lam, size)
        self._note("counts", (values - np.asarray(lam)) / np.sqrt(np.maximum(lam, 1e-12)))
        return values

    def permutation(self, x):
        return self._note(f"permutation of {np.size(x)}", self._stream.permutation(x))

    def choice(self, a, size=None, replace=True, p=None):
        values = self._stream.choice(a, size, replace, p)
        if size is None and np.size(a) > 1:
            self._note(f"choice of {np.size(a)}", list(a).index(values))
        return values


@pytest.mark.parametrize(("preset", "row"), DRAWING_ROWS)
def test_what_a_row_draws_follows_the_distribution_that_it_asks_for(preset, row):
    notes = defaultdict(list)
    image = photograph(*sizes(preset, row)[0])

    # Small pictures draw few numbers each, so they need more keys.
    keys = range(3 if image.size > 20_000 else 12)
    inputs = planes_for(preset.name, row, image)
    last = preset.rows[row].level_count
    for key, severity in itertools.product(keys, sorted({1, min(3, last), last})):
        draws = Recorder(rng_for(SEED, row, severity, str(key)), notes)
        corrupt(image, row, severity, preset=preset.name, rng=draws, inputs=inputs)

    assert notes, "the row says that it draws, but drew nothing"
    for kind, parts in notes.items():
        values = np.concatenate(parts).astype(float)
        if kind == "uniform":
            assert stats.kstest(values, "uniform").pvalue > UNLIKELY
        elif kind == "normal":
            assert stats.kstest(values, "norm").pvalue > UNLIKELY
        elif kind == "counts":
            lit = values[np.isfinite(values) & (values != 0)]
            assert abs(lit.mean()) < 0.05
            assert lit.std() == pytest.approx(1, abs=0.15)
        else:
            shares = np.bincount(values.astype(int), minlength=2)
            if shares.sum() > 20 * shares.size:
                assert stats.chisquare(shares).pvalue > UNLIKELY, kind


def noise_of(row, severity, *, level=128, key="a", seed=SEED, preset="cifar-c", size=(32, 32)):
    """Return what a noise row adds to a flat image, in fractions of full scale."""
    image = np.full((*size, 3), level, np.uint8)
    return (corrupt(image, row, severity, preset=preset, seed=seed, key=key).astype(float) - level) / 255


BIG = {"preset": "natural", "size": (256, 256)}


@pytest.mark.parametrize("severity", [1, 2])
def test_gaussian_noise_is_normal_with_the_sigma_of_the_table(severity):
    sigma = catalog.preset("natural").cell("gaussian_noise", severity).parameters["sigma"]

    noise = noise_of("gaussian_noise", severity, **BIG).ravel()

    inside = np.abs(noise) < 0.45
    assert inside.mean() > 0.98
    assert noise.mean() == pytest.approx(0, abs=0.003)
    assert noise.std() == pytest.approx(sigma, rel=0.03)
    dither = (np.arange(noise.size) % 97 / 97 - 0.5) / 255  # undo the rounding to whole levels
    assert stats.kstest(noise[:5000] + dither[:5000], "norm", args=(0, sigma)).pvalue > UNLIKELY


def test_speckle_noise_grows_with_the_brightness_of_the_pixel():
    sigma = catalog.preset("natural").cell("speckle_noise", 1).parameters["sigma"]

    for level in (60, 120):
        noise = noise_of("speckle_noise", 1, level=level, **BIG)

        assert noise.std() == pytest.approx(sigma * level / 255, rel=0.05)
        assert noise.mean() == pytest.approx(0, abs=0.003)


def test_shot_noise_has_the_variance_of_its_photons():
    spread = catalog.preset("natural").cell("shot_noise", 1).parameters["noise"]

    noise = noise_of("shot_noise", 1, level=100, **BIG)

    assert noise.mean() == pytest.approx(0, abs=0.005)
    assert noise.var() == pytest.approx(100 / 255 * spread**2, rel=0.05)


@pytest.mark.parametrize("severity", [1, 3, 5])
def test_impulse_noise_makes_as_much_salt_as_pepper(severity):
    amount = catalog.preset("natural").cell("impulse_noise", severity).parameters["amount"]

    noise = noise_of("impulse_noise", severity, **BIG)

    assert np.mean(noise != 0) == pytest.approx(amount, abs=0.01)
    assert np.mean(noise > 0) == pytest.approx(np.mean(noise < 0), abs=0.01)


def test_no_two_names_share_noise():
    names = list(itertools.product((SEED, SEED + 1), (1, 2, 2.5), ("a", "b", "ab")))
    rows = ("gaussian_noise", "speckle_noise", "shot_noise")

    noises = [
        noise_of(row, severity, seed=seed, key=key).ravel()
        for row, (seed, severity, key) in itertools.product(rows, names)
    ]

    correlations = np.corrcoef(noises)[~np.eye(len(noises), dtype=bool)]
    assert np.abs(correlations).max() < 5 / np.sqrt(noises[0].size)


def test_an_image_without_a_key_is_named_by_its_pixels():
    image = photograph(32, 32)
    other = image.copy()
    other[0, 0, 0] ^= 1

    noise, again, others = (
        corrupt(picture, "gaussian_noise", 3, preset="cifar-c").astype(int) - image for picture in (image, image, other)
    )

    assert np.array_equal(noise, again)
    assert abs(np.corrcoef(noise.ravel(), others.ravel())[0, 1]) < 0.1
