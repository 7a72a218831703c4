"""PRIME: chains of a random filter, a warp that never folds and a smooth colour map, mixed with the picture."""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import SampleFormat
from corruptgen.corruptions.augmentation.primitives import random_kernel, sine_colours, temperatures
from corruptgen.errors import UnknownName, unknown
from corruptgen.ops.sines import SmoothDisplacement, sine_field
from corruptgen.randomness import Stream, rng_for
from corruptgen.transforms.draw import Draw
from corruptgen.transforms.mixture import check_eight_bits, check_unmoved, mix, mixing, symmetric_beta
from corruptgen.transforms.pictures import Frames, Samples
from corruptgen.transforms.transform import Transform, call_of
from corruptgen.values.arguments import text_value, truth_value

WIDTH, DEEPEST = 3, 3
FILTER: Mapping[str, Any] = {"sigma": 4.0, "side": 3}
# The highest frequencies of colours and of warps, and how strong and how broad the colours are.
SETTINGS: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "cifar": ({"frequencies": 100, "strength": 0.01, "bandwidth": None}, {"lowest": 2, "highest": 100}),
    "imagenet": ({"frequencies": 500, "strength": 0.05, "bandwidth": 20}, {"lowest": 2, "highest": 500}),
}
Bytes = NDArray[np.uint8]


class PRIME(Transform):
    """Mix a picture with three chains of up to three primitives each, all drawn for this picture alone.

    The primitives are a random filter, a random warp that never folds and a random smooth colour map. Each of them
    stores 8 bits. Pass pictures in [0, 1] or bytes, after cropping and flipping.

    Parameters
    ----------
    setting : str, default "imagenet"
        "imagenet" or "cifar", the parameters of the paper.
    corner : bool, default False
        Centre the filters as the original code does, which moves the picture by a pixel.
    p, seed : float, int or None
        See `Transform`; float samples are always taken as 8 bits.

    References
    ----------
    Modas et al. 2022, https://arxiv.org/abs/2112.13547

    Examples
    --------
    >>> import numpy as np
    >>> image = np.full((64, 64, 3), 128, np.uint8)
    >>> PRIME("cifar", seed=1)(image, key="a.png").shape
    (64, 64, 3)
    """

    row = "prime"

    def __init__(
        self, setting: str = "imagenet", corner: bool = False, p: float = 1.0, seed: int | None = None
    ) -> None:
        super().__init__(p, seed)
        if text_value("setting", setting) not in SETTINGS:
            raise UnknownName(unknown("setting of PRIME", setting, SETTINGS))
        self.setting, self.corner = setting, truth_value("corner", corner)

    def _check(self, picture: Frames, others: Sequence[Any]) -> None:
        check_unmoved(picture.alpha, others)

    def _uncovered(self, alpha: Samples, draw: Draw) -> Samples:
        check_unmoved(alpha)
        return alpha

    def _chosen(self, rng: Stream) -> tuple[str, float]:
        return self.row, 1.0

    def _changed(self, samples: Samples, form: SampleFormat, draw: Draw) -> Samples:
        check_eight_bits(form)
        rng = rng_for(draw.seed, draw.row, draw.severity, draw.key)
        weights, share = mixing(rng, WIDTH, 1.0)
        chains = [self._chain(samples, rng) for _ in range(WIDTH)]
        return mix(samples, chains, weights, share)

    def _chain(self, image: Samples, rng: Stream) -> Samples:
        colours, warp = SETTINGS[self.setting]
        primitives = (
            partial(random_filter, **FILTER, corner=self.corner),
            partial(random_colours, **colours),
            partial(random_warp, **warp),
        )
        for _ in range(1 + rng.integers(DEEPEST)):
            image = primitives[rng.integers(len(primitives))](image, rng)
        return image

    def __repr__(self) -> str:
        return call_of(self, setting=self.setting, corner=self.corner, p=self.p, seed=self.seed)


def random_filter(image: Bytes, rng: Stream, *, sigma: float, side: int = 3, corner: bool = False) -> Bytes:
    """Filter all channels by one random kernel, the picture itself plus normal weights; zero outside.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255].
    rng : Stream
        The draws.
    sigma : float
        The largest standard deviation of the weights; more is worse.
    side : int, default 3
        Side of the kernel, in pixels.
    corner : bool, default False
        Put the picture itself into the kernel's last corner, as the original code does, which moves it.
    """
    strength = rng.uniform(0, sigma)
    samples = image.astype(np.float32) / np.float32(255)
    return _stored(random_kernel(samples, rng, sigma=strength, side=side, centred=not corner))


def random_colours(image: Bytes, rng: Stream, *, frequencies: int, strength: float, bandwidth: int | None) -> Bytes:
    """Map the values of each channel by a random sum of sines, which leaves black and white alone.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255].
    rng : Stream
        The draws.
    frequencies : int
        The highest frequency, in half waves over the scale; more is rougher.
    strength : float
        The largest variance of a wave's amplitude; more is worse.
    bandwidth : int or None
        How many neighbouring frequencies are used; None: all from the first.
    """
    cut = 1 + rng.integers(frequencies)
    first = 1 if bandwidth is None else 1 + rng.integers(cut)
    last = cut if bandwidth is None else min(first + bandwidth - 1, cut)
    return sine_colours(image, rng, first=first, last=last, variance=rng.uniform(0, strength))


def random_warp(image: Bytes, rng: Stream, *, lowest: int, highest: int) -> Bytes:
    """Move the pixels along a random smooth field that is zero at the border and nowhere folds the picture.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255].
    rng : Stream
        The draws.
    lowest, highest : int
        Bounds of the field's cutoff in half waves over the picture; more is finer.
    """
    warp = unfolded_warp(image.shape[0], image.shape[1], rng, lowest=lowest, highest=highest)
    return _stored(warp.moved(image.astype(np.float32) / np.float32(255)))


def unfolded_warp(height: int, width: int, rng: Stream, *, lowest: int, highest: int) -> SmoothDisplacement:
    """Draw the warp of `random_warp` for a picture of this size.

    The field's temperature stays below half of the bound of the paper for warps without folds, at which one in
    eight fields still folds; a field that folds nevertheless is halved until it does not.
    """
    top = lowest + 1 + rng.integers(max(1, highest - lowest))
    cut = int(symmetric_beta(rng, 0.5) * (top + 1 - lowest) + lowest)
    side = min(height, width)
    least, bound = temperatures(side, cut)
    most = bound / 2
    least = min(least, most)
    temperature = least + symmetric_beta(rng, 0.5) * (most - least)
    right, down = (
        math.sqrt(temperature) * side * sine_field(height, width, rng.standard_normal((cut, cut))) for _ in range(2)
    )
    while folds(down, right):
        down, right = down / 2, right / 2
    return SmoothDisplacement(-down, -right)


def folds(down: NDArray[Any], right: NDArray[Any]) -> bool:
    """Check whether taking each pixel from its place less (down, right) turns any square of four pixels over."""
    rows = [np.diff(field, axis=0)[:, :-1] for field in (down, right)]
    columns = [np.diff(field, axis=1)[:-1] for field in (down, right)]
    stretch = (1 - rows[0]) * (1 - columns[1]) - rows[1] * columns[0]
    return bool(stretch.size and stretch.min() <= 0)


def _stored(samples: NDArray[np.floating[Any]]) -> Bytes:
    return np.rint(255 * samples.clip(0, 1)).astype(np.uint8)
