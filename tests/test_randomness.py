"""The keyed stream: golden vectors that pin it, distributions that prove it, and names that keep draws apart."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from corruptgen.randomness import draw_impulses, pixels_digest, rng_for
from corruptgen.randomness.philox import fill_words
from corruptgen.randomness.poisson import LARGEST_SUMMED, fill_counts
from corruptgen.randomness.stream import Purpose, Stream
from corruptgen.values.arguments import severity_text
from tests.pictures import Plain

GOLDEN = Path(__file__).parent / "golden" / "stream.json"
MANY = 200_000
# A test over random numbers that are fixed by their key passes for ever or never: no repeats are needed.
UNLIKELY = 1e-3


def stream(key="item", *, seed=1843956201, row="row", severity=1.0, purpose=Purpose.DRAWS):
    return rng_for(seed, row, severity, key, purpose=purpose)


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            [0xA4093822, 0x299F31D0],
            [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
        ),
    ],
)
def test_the_cipher_gives_the_published_vectors_of_philox(counter, key, words):
    out = np.zeros(4, np.uint32)

    fill_words(out, np.array(key, np.uint32), np.array(counter[1:], np.uint32), counter[0])

    assert out.tolist() == words


def golden_vectors():
    draws = {
        "words": lambda s: s.words(6).tolist(),
        "random": lambda s: s.random(5).tolist(),
        "standard_normal": lambda s: s.standard_normal((2, 3)).ravel().tolist(),
        "normal": lambda s: s.normal(2.0, 3.0, 3).tolist(),
        "uniform": lambda s: s.uniform(-45, 45, 3).tolist(),
        "integers": lambda s: s.integers(-3, 1000, 6).tolist(),
        "poisson": lambda s: s.poisson([0.0, 0.5, 3.0, 60.0, 511.5, 512.5, 70000.0]).tolist(),
        "choice": lambda s: s.choice(10, 5).tolist(),
        "choice_with_p": lambda s: s.choice(3, 6, p=[0.2, 0.3, 0.5]).tolist(),
        "choice_without_replacement": lambda s: s.choice(10, 5, replace=False).tolist(),
        "permutation": lambda s: s.permutation(8).tolist(),
        "impulses": lambda s: draw_impulses(s, (12,), 0.5).tolist(),
        "two_calls": lambda s: [s.random(), s.random()],
    }
    names = {
        "plain": stream,
        "paired": lambda: stream(severity=None),
        "between levels": lambda: stream(severity=2.5),
        "unicode": lambda: stream("n01440764/Straße 1.JPEG"),
        "pixels": lambda: stream(pixels_digest(np.arange(12, dtype=np.uint8).reshape(2, 2, 3))),
        "location": lambda: stream(purpose=Purpose.LOCATION),
    }
    return {name: {draw: f(make()) for draw, f in draws.items()} for name, make in names.items()}


def test_the_numbers_of_the_stream_never_change():
    # These numbers are part of every published dataset: a change needs a new STREAM_VERSION, not a new golden file.
    assert golden_vectors() == json.loads(GOLDEN.read_text("utf-8"))


def test_fields_of_a_name_cannot_run_into_each_other():
    names = [
        stream("bc", row="a"), stream("c", row="ab"), stream("", row="abc"), stream(b"bc", row="a"),
        stream("bc", row="a", severity=None), stream("bc", row="a", severity=11), stream("bc", row="a", seed=11),
        stream("bc", row="a", purpose=Purpose.LOCATION),
    ]  # fmt: skip

    first = [tuple(s.words(4)) for s in names]

    assert len(set(first)) == len(names)


def test_severities_are_named_by_their_value():
    assert [severity_text(s) for s in (3, 3.0, 2.5, np.float32(0.5))] == ["3", "3", "2.5", "0.5"]
    assert stream(severity=3).random() == stream(severity=3.0).random()


def test_no_two_names_share_numbers():
    seeds, rows, severities, keys = (0, 1), ("fog", "snow"), (1, 2, 2.5), ("a", "b", "c")

    draws = [rng_for(*name).words(64) for name in itertools.product(seeds, rows, severities, keys)]

    words = np.concatenate(draws)
    assert len(np.unique(words)) >= words.size - 2  # two equal words among some thousand are no accident worth a name
    correlation = np.corrcoef([d / 2.0**32 for d in draws])
    assert np.abs(correlation[~np.eye(len(draws), dtype=bool)]).max() < 0.65


@pytest.mark.parametrize("sizes", [(7, 12), (1, 1), (4096, 5), (2049, 2048)])
def test_a_draw_does_not_depend_on_the_size_of_the_call_it_is_in(sizes):
    short, long = sorted(sizes)

    assert np.array_equal(stream().standard_normal(short), stream().standard_normal(long)[:short])
    assert np.array_equal(stream().random(short), stream().random(long)[:short])


@pytest.mark.parametrize(
    ("draw", "distribution"),
    [
        (lambda s: s.random(MANY), stats.uniform()),
        (lambda s: s.uniform(-45, 45, MANY), stats.uniform(-45, 90)),
        (lambda s: s.standard_normal(MANY), stats.norm()),
        (lambda s: s.normal(0.55, 0.3, MANY), stats.norm(0.55, 0.3)),
    ],
)
def test_continuous_draws_follow_their_distribution(draw, distribution):
    values = draw(stream())

    assert stats.kstest(values, distribution.cdf).pvalue > UNLIKELY
    assert values.mean() == pytest.approx(distribution.mean(), abs=5 * distribution.std() / np.sqrt(MANY))


@pytest.mark.parametrize("expected", [0.3, 3.0, 25.0, 200.0, 511.0, 600.0, 5000.0])
def test_counts_follow_the_poisson_distribution(expected):
    counts = stream().poisson(np.full(MANY, expected))

    assert counts.mean() == pytest.approx(expected, abs=5 * np.sqrt(expected / MANY))
    assert counts.var() == pytest.approx(expected, rel=0.03)
    distribution = stats.poisson(expected)
    edges = np.unique(distribution.ppf(np.linspace(0.02, 0.98, 25)))
    shares = np.diff(distribution.cdf(edges), prepend=0, append=1)
    observed = np.bincount(np.searchsorted(edges, counts), minlength=shares.size)
    assert stats.chisquare(observed, shares * MANY).pvalue > UNLIKELY


def test_whole_numbers_are_drawn_evenly():
    values = stream().integers(-4, 4, MANY)

    assert set(values) == set(range(-4, 4))
    assert stats.chisquare(np.bincount(values + 4)).pvalue > UNLIKELY


def test_a_count_is_the_same_from_a_table_and_from_the_plain_sum():
    words = stream().words(3000)
    expected = stream("other").random(3000) * 1.05 * LARGEST_SUMMED
    together, apart = np.empty(3000, np.int64), np.empty(3000, np.int64)

    fill_counts(together, words, expected)
    for i in range(3000):
        fill_counts(apart[i : i + 1], words[i : i + 1], expected[i : i + 1])

    assert np.array_equal(together, apart)
    assert np.array_equal(
        together[expected < LARGEST_SUMMED],
        stats.poisson.ppf((words + 0.5) / 2**32, expected)[expected < LARGEST_SUMMED],
    )


@pytest.mark.parametrize("amount", [0.0, 0.03, 0.27, 1.0])
def test_impulses_are_one_truth_for_the_stream_and_for_any_draws(amount):
    fast = draw_impulses(stream(), (40, 30, 3), amount)

    assert np.array_equal(fast, draw_impulses(Plain(stream()), (40, 30, 3), amount))
    assert np.mean(fast != 0) == pytest.approx(amount, abs=0.02)
    assert not amount or np.mean(fast[fast != 0] == 1) == pytest.approx(0.5, abs=0.1)


def test_a_permutation_holds_every_element_once():
    assert sorted(stream().permutation(1000)) == list(range(1000))
    assert stream().permutation(["a", "b", "c"]).tolist() != []


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda s: s.integers(3, 3), "range must hold"),
        (lambda s: s.poisson([1.0, -1.0]), "at least 0"),
        (lambda s: s.poisson(np.nan), "finite"),
        (lambda s: s.choice(3, 4, replace=False), "cannot take 4 of 3"),
        (lambda s: s.choice(2, p=[0.5, 0.6]), "add up to 1"),
    ],
)
def test_impossible_draws_say_what_is_wrong(draw, message):
    with pytest.raises(ValueError, match=message):
        draw(stream())


def test_a_stream_is_at_its_beginning_whenever_it_is_asked_for():
    assert isinstance(stream(), Stream)
    assert stream().random() == stream().random()
