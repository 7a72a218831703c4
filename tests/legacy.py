"""Replay the draws of the original benchmarks: the protocol `Draws` over numpy's legacy generator."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from corruptgen.randomness.draws import Size


class LegacyDraws:
    """`Draws` from `numpy.random.RandomState(seed)`, the stream that `numpy.random.seed(seed)` gave the originals."""

    def __init__(self, seed: int) -> None:
        self._state = np.random.RandomState(seed)

    def seeded(self, seed: int) -> "LegacyDraws":
        return LegacyDraws(seed)

    def random(self, size: Size = None) -> Any:
        return self._state.random_sample(size)

    def standard_normal(self, size: Size = None) -> Any:
        return self._state.standard_normal(size)

    def normal(self, loc: float = 0.0, scale: float = 1.0, size: Size = None) -> Any:
        return self._state.normal(loc, scale, size)

    def uniform(self, low: float = 0.0, high: float = 1.0, size: Size = None) -> Any:
        return self._state.uniform(low, high, size)

    def integers(self, low: int, high: int | None = None, size: Size = None) -> Any:
        return self._state.randint(low, high, size)

    def poisson(self, lam: ArrayLike = 1.0, size: Size = None) -> Any:
        return self._state.poisson(lam, size)

    def choice(self, a: Any, size: Size = None, replace: bool = True, p: ArrayLike | None = None) -> Any:
        return self._state.choice(a, size, replace, p)

    def permutation(self, x: Any) -> NDArray[Any]:
        return self._state.permutation(x)
