"""Letters of our own: the same pixels whatever fonts and libraries are installed."""

import tomllib
from functools import lru_cache
from importlib import resources

import cv2
import numpy as np
from numpy.typing import NDArray

# Rows of a letter, and samples drawn for each of its dots.
ROWS = 7
FINENESS = 8


@lru_cache(maxsize=1)
def letter_dots() -> dict[str, NDArray[np.float32]]:
    """Return every letter as (7, 5) dots, 1 where there is ink."""
    text = (resources.files("corruptgen") / "assets" / "letters.toml").read_text(encoding="utf-8")
    drawn = tomllib.loads(text)["letter"]
    return {name: np.array([[dot == "#" for dot in row] for row in rows], np.float32) for name, rows in drawn.items()}


def draw_letters(text: str, height: float) -> NDArray[np.float32]:
    """Return the opacity, from 0 to 1, of a line of letters `height` pixels high; at least one pixel each way."""
    gap = np.zeros((ROWS, 1), np.float32)
    dots = np.hstack([part for letter in text for part in (letter_dots()[letter], gap)][:-1])
    fine = dots.repeat(FINENESS, axis=0).repeat(FINENESS, axis=1)
    size = tuple(max(1, round(sides * height / ROWS)) for sides in (dots.shape[1], ROWS))
    shrinks = height <= ROWS * FINENESS
    return np.asarray(cv2.resize(fine, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR), np.float32)
