"""Mixing at random: weights for chains, and a share for all of them beside the picture."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, gammaincinv

from corruptgen.codecs.pixels import BYTE, SampleFormat
from corruptgen.errors import ImageError
from corruptgen.randomness import Stream
from corruptgen.transforms.targets import check_movable, has_targets


def mixing(rng: Stream, width: int, alpha: float) -> tuple[NDArray[np.float64], float]:
    """Draw the weights of the chains from the symmetric Dirichlet distribution, and their share from the Beta one.

    Parameters
    ----------
    rng : Stream
        The draws.
    width : int
        Number of chains.
    alpha : float
        The parameter of both; 1: all weights, and all shares, are equally likely.
    """
    # One number each, by inverting the distribution functions; 0 would make all weights 0.
    gamma = gammaincinv(alpha, 0.5 * 2.0**-32 + rng.random(width))
    return gamma / gamma.sum(), symmetric_beta(rng, alpha)


def symmetric_beta(rng: Stream, alpha: float) -> float:
    """Draw from the Beta distribution of (alpha, alpha)."""
    return float(betaincinv(alpha, alpha, rng.random()))


def mix(
    image: NDArray[np.uint8], chains: Sequence[NDArray[np.uint8]], weights: NDArray[np.float64], share: float
) -> NDArray[np.uint8]:
    """Return (1 - share) of the picture and `share` of the chains by their weights, rounded."""
    total = image * np.float32(1 - share)
    for chain, weight in zip(chains, weights, strict=True):
        total += chain * np.float32(share * weight)
    return np.rint(total).astype(np.uint8)


def check_unmoved(alpha: NDArray[np.uint8] | None, others: Sequence[Any] = ()) -> None:
    """Raise `ImageError` if boxes, points, masks or an alpha channel would have to follow copies that were moved."""
    if alpha is not None or has_targets(others):
        what = "boxes, points or masks came with the picture" if alpha is None else "the picture has an alpha channel"
        raise ImageError(
            f"{what}, and mixing moves some copies of a picture and not others: nothing can follow; "
            "give classification pictures without an alpha channel"
        )
    check_movable(others)


def check_eight_bits(form: SampleFormat) -> None:
    """Raise `ImageError` if samples are not 8 bits."""
    if form != BYTE:
        raise ImageError(f"the image has samples of type {form.dtype}; mixing takes uint8, or float in [0, 1]")
