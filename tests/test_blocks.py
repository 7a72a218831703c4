"""Sums in blocks: the order of their samples, their doubts, and the memory that they are made in."""

import threading

import numpy as np
import pytest

from corruptgen.compilation import njit
from corruptgen.fast import defocus
from corruptgen.fast.block_levels import store_levels, store_levels_of_words
from corruptgen.fast.block_sums import (
    BLOCK,
    PIECE,
    add_moves,
    add_weighed,
    blend_neighbours,
    weigh_pairs,
    weigh_samples,
)
from corruptgen.fast.scratch import ALIGNMENT, scratch

SEED = 1843956201
PLACES = np.array([3, 0, 17, 40, 5])


@njit(nogil=True)
def weighed(total, samples, places, weights, in_pairs):
    if in_pairs:
        weigh_pairs(total, 0, samples, 2, places, 0, weights)
    else:
        weigh_samples(total, 0, samples, 2, places, 0, weights)


@njit(nogil=True)
def levels_stored(samples, total, margin):
    return store_levels(samples, 0, total, 0, np.float32(1), np.float32(-margin), np.float32(margin), np.float32(255))


@njit(nogil=True)
def words_stored(samples, total, margin):
    return store_levels_of_words(samples, 0, total, 0, np.float32(-margin), np.float32(margin))


@njit(nogil=True)
def blended(target, samples, step, weights):
    blend_neighbours(target, 0, samples, 2, step, weights, 0)


@njit(nogil=True)
def moved(target, samples, places):
    add_moves(target, BLOCK, 0, samples, 2, places, 0, 3, 2)


@njit(nogil=True)
def with_runs(total, keep, numbers, places, weight):
    add_weighed(total, 0, keep, numbers, 2, places, 0, 3, 2, weight)


def windows(samples):
    return np.array([samples[2 + place : 2 + place + BLOCK] for place in PLACES]).astype(np.int64)


def in_order_of_words(block):
    return block.reshape(-1, 4).T.ravel()


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_samples_and_pairs_of_them_are_weighed_in_blocks(dtype):
    samples = np.random.RandomState(SEED).randint(0, 256, 200).astype(dtype)
    found = windows(samples)
    ordered = in_order_of_words if dtype == "uint8" else np.asarray
    total = np.empty(BLOCK, np.float32)

    weighed(total, samples, PLACES, np.array([1, 2, 4, 8, 16], np.float32), False)
    assert np.array_equal(total, ordered(np.array([1, 2, 4, 8, 16]) @ found))

    weighed(total, samples, PLACES, np.array([1, 2, 4], np.float32), True)
    assert np.array_equal(total, ordered(np.array([1, 2, 8, 2, 1]) @ found))


def test_levels_are_stored_in_order_and_doubts_have_a_bit_each():
    levels = np.arange(BLOCK, dtype=np.float32) * 5 - 20.5
    doubtful = [7, 11, 40]
    levels[doubtful] = np.round(levels[doubtful])
    samples = np.empty(BLOCK, np.uint8)

    doubts = levels_stored(samples, levels, 1e-3)

    assert np.array_equal(samples, np.clip(levels - 1e-3, 0, 255).astype(np.uint8))
    assert [bit for bit in range(BLOCK) if int(doubts) >> bit & 1] == doubtful


@pytest.mark.parametrize("doubtful", [[], [13], [0, 63]])
def test_levels_of_words_are_stored_in_the_order_of_the_bytes(doubtful):
    levels = np.linspace(0.25, 254.75, BLOCK).astype(np.float32)
    levels[doubtful] = np.round(levels[doubtful])
    samples = np.empty(BLOCK, np.uint8)

    assert words_stored(samples, in_order_of_words(levels).copy(), 1e-3) == bool(doubtful)

    # What lies just below a whole number is cut off towards 0, also below 0.
    assert np.array_equal(samples, np.maximum(levels - 1e-3, 0).astype(np.uint8))


def test_neighbours_are_blended():
    samples = np.random.RandomState(SEED).randint(0, 256, 40).astype(np.uint8)
    target = np.empty(PIECE, np.float32)

    blended(target, samples, 3, np.full(PIECE, 0.25, np.float32))

    assert np.array_equal(target, samples[2:18] * 0.75 + samples[5:21] * 0.25)


@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_what_enters_is_added_and_what_leaves_is_subtracted(dtype):
    samples = np.random.RandomState(SEED).randint(0, 256, 200).astype(np.uint8)
    change = np.array([1, 1, 1, -1, -1]) @ windows(samples)
    target = np.arange(2 * BLOCK).astype(dtype)

    moved(target, samples, PLACES)

    assert np.array_equal(target[BLOCK:], np.arange(BLOCK) + change)


@pytest.mark.parametrize("keep", [False, True])
def test_whole_numbers_are_weighed_beside_what_there_is(keep):
    numbers = np.random.RandomState(SEED).randint(-999, 999, 200).astype(np.int16)
    total = np.ones(BLOCK, np.float32)

    with_runs(total, keep, numbers, PLACES, np.float32(0.5))

    assert np.array_equal(total, keep + 0.5 * (np.array([1, 1, 1, -1, -1]) @ windows(numbers)))


def test_scratch_is_kept_grows_and_belongs_to_one_thread():
    first = scratch("float32", 100)
    assert first.ctypes.data % ALIGNMENT == 0
    assert scratch("float32", 50) is first
    assert scratch("float32", 10**6).size >= 10**6
    others = []
    thread = threading.Thread(target=lambda: others.append(scratch("float32", 100)))
    thread.start()
    thread.join()

    assert not np.shares_memory(others[0], scratch("float32", 100))


@pytest.mark.parametrize("alias_blur", [0.0, 0.1, 0.5, 0.6])
@pytest.mark.parametrize("unit_gain", [False, True])
def test_the_parts_of_a_disk_are_its_kernel(alias_blur, unit_gain):
    for radius in (0.3, 1.0, 2.5, 6.0, 7.0, 7.6, 8.0, 8.4, 9.0, 9.3, 10.0, 12.7, 25.0):
        lens = defocus._lens(radius, alias_blur, unit_gain)

        assert lens is not None, radius
        assert lens.deviation < 1e-6, radius
