"""Feathers of ice that grow over a pane until they meet."""

import math

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit
from corruptgen.randomness.draws import Draws

# Crystals per square of the shorter side that start inside, and per length of it that start on the border.
SEEDS_INSIDE = 400
SEEDS_ON_BORDER = 5
# Draws of one crystal: its start, heading, bend, size; then one per barb, used again after the last.
OWN_DRAWS = 6
BARB_DRAWS = 42
# Barbs leave the stem as the arms of a snow crystal do.
BRANCH = math.pi / 3
# Distances as fractions of the shorter side.
BARB_LENGTH = 0.32
BARB_SPACING = 0.026
LINE_RADIUS = 0.0045


def frost_feathers(shape: tuple[int, int], rng: Draws) -> NDArray[np.float32]:
    """Grow feathers of ice over an (H, W) pane, large ones from the border first, then smaller ones in the gaps.

    Each feather has a bent stem, straight barbs at 60 degrees and barbs of barbs. A stem or a barb stops where it meets
    another feather, which gives the mosaic of a window in winter.

    Returns
    -------
    ndarray of float32, shape (H, W)
        From 0, bare, to 1, the middle of a stem.
    """
    height, width = shape
    side = min(shape)
    inside = round(SEEDS_INSIDE * height * width / side**2)
    border = round(SEEDS_ON_BORDER * 2 * (height + width) / side)
    draws = rng.random((border + inside, OWN_DRAWS + BARB_DRAWS))
    seeds = np.empty((border + inside, 5))

    along = (np.arange(border) + draws[:border, 0]) / border * 2 * (height + width)
    seeds[:border, :3] = _on_border(along, height, width)
    seeds[:border, 2] += (draws[:border, 1] - 0.5) * 1.6
    seeds[:border] = seeds[np.argsort(draws[:border, 4], kind="stable")]
    seeds[border:, 0] = draws[border:, 0] * height
    seeds[border:, 1] = draws[border:, 1] * width
    seeds[border:, 2] = draws[border:, 2] * 2 * math.pi
    seeds[:, 3] = (draws[:, 3] - 0.5) * 4 / side
    seeds[:, 4] = side * np.where(np.arange(border + inside) < border, 0.5 + draws[:, 5] / 2, 0.2 + draws[:, 5] * 0.4)

    feathers = np.zeros(shape, np.float32)
    spacing = BARB_SPACING * side
    patch = max(1.0, spacing / 2)
    owners = np.zeros((math.ceil(height / patch) + 1, math.ceil(width / patch) + 1), np.int32)
    _grow(feathers, owners, seeds, draws[:, OWN_DRAWS:], (patch, spacing, BARB_LENGTH * side, LINE_RADIUS * side))
    return feathers


def _on_border(along: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
    # Rows of (y, x, heading into the pane) for lengths along the border, clockwise from the upper left corner.
    sides = [along < width, along < width + height, along < 2 * width + height]
    top, bottom = np.zeros_like(along), np.full_like(along, height - 1)
    left, right = np.zeros_like(along), np.full_like(along, width - 1)
    y = np.select(sides, [top, along - width, bottom], along - 2 * width - height)
    x = np.select(sides, [along, right, along - width - height], left)
    heading = np.select(sides, [top + math.pi / 2, top + math.pi, top - math.pi / 2], 0.0)
    return np.stack([y, x, heading], axis=1)


@njit(cache=True, nogil=True)
def _dab(feathers, y, x, radius, strength):
    height, width = feathers.shape
    reach = radius + 0.7
    for row in range(max(0, int(np.ceil(y - reach))), min(height, int(y + reach) + 1)):
        for column in range(max(0, int(np.ceil(x - reach))), min(width, int(x + reach) + 1)):
            distance = np.sqrt((row - y) ** 2 + (column - x) ** 2)
            value = np.float32(strength * min(max(radius + 0.7 - distance, 0.0), 1.0))
            feathers[row, column] = max(feathers[row, column], value)


@njit(cache=True, nogil=True)
def _line(pane, start, length, pen):
    # Draws one line until it ends, leaves the pane or meets another crystal; gives how far it came. A pen of strength 0
    # only looks how far a line would come.
    feathers, owners, patch, owner = pane
    y, x, heading, bend = start
    radius, strength, taper = pen
    height, width = feathers.shape
    step = max(0.7, radius)
    count = int(length / step)
    for k in range(count):
        if not (-1 <= y < height and -1 <= x < width):
            return k * step
        row, column = int((y + 1) / patch), int((x + 1) / patch)
        if owners[row, column] != owner and owners[row, column] != 0:
            return k * step
        if strength > 0:
            owners[row, column] = owner
            left = 1 - taper * k / count
            _dab(feathers, y, x, radius * left, strength * (0.5 + 0.5 * left))
        y += step * np.sin(heading)
        x += step * np.cos(heading)
        heading += bend * step
    return count * step


@njit(cache=True, nogil=True)
def _barb(pane, start, longest, sizes, chance):
    # One barb and its twigs.
    spacing, radius = sizes
    y, x, angle, bend = start
    come = _line(pane, start, longest * (0.4 + 0.8 * chance), (radius, 0.4 + 0.35 * chance, 0.8))
    pen = (0.7 * radius, 0.3 + 0.25 * chance, 0.8)
    along = spacing * 0.5
    while along < come:
        # Where a bent line is after `along`: on the chord.
        chord = angle + bend * along / 2
        twig = min(0.4 * (come - along) + 0.5 * spacing, (0.8 + 1.4 * chance) * spacing)
        for side in (-1, 1):
            heading = angle + bend * along + side * BRANCH
            _line(pane, (y + along * np.sin(chord), x + along * np.cos(chord), heading, 0.0), twig, pen)
        along += (0.4 + 0.25 * chance) * spacing


@njit(cache=True, nogil=True)
def _grow(feathers, owners, seeds, chances, sizes):
    patch, spacing, barb_length, radius = sizes
    for i in range(seeds.shape[0]):
        y, x, heading, bend, length = seeds[i]
        pane = (feathers, owners, patch, i + 1)
        room = _line(pane, (y, x, heading, bend), length, (radius, 0.0, 0.0))
        # Where there is no room for a feather, none begins.
        if room < 2.5 * spacing:
            continue
        size = min(1.0, (room / barb_length + 0.5) / 2)
        stem = (radius * (0.7 + 0.7 * size), 0.6 + 0.3 * size, 0.7)
        _line(pane, (y, x, heading, bend), room, stem)
        travelled = 0.0
        turn = 0
        while travelled < room:
            longest = barb_length * size * (1 - travelled / (room + spacing)) ** 0.6
            for way in (-1, 1):
                chance = chances[i, turn % chances.shape[1]]
                turn += 1
                # Barbs lean back towards the stem.
                start = (y, x, heading + way * (BRANCH - 0.3 * (chance - 0.3)), -way * 0.2 / longest)
                _barb(pane, start, longest, (spacing, radius), chance)
            jump = spacing * (0.5 + 0.6 * chances[i, turn % chances.shape[1]])
            # A bent stem is followed in small steps.
            for _ in range(4):
                y += jump / 4 * np.sin(heading)
                x += jump / 4 * np.cos(heading)
                heading += bend * jump / 4
            travelled += jump
