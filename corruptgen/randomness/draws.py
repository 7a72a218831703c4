"""The protocol of everything that corruptions draw from."""

from collections.abc import Sequence
from typing import Any, Protocol

from numpy.typing import ArrayLike, NDArray

Size = int | Sequence[int] | None


class Draws(Protocol):
    """A part of `numpy.random.Generator`: same names, arguments and shapes.

    A keyed `Stream`, a numpy `Generator`, or an adapter over a legacy `RandomState` all fit. Without a size each method
    returns one number.
    """

    def random(self, size: Size = None) -> Any:
        """Draw uniformly from [0, 1)."""

    def standard_normal(self, size: Size = None) -> Any:
        """Draw from the normal distribution of mean 0 and standard deviation 1."""

    def normal(self, loc: float = 0.0, scale: float = 1.0, size: Size = None) -> Any:
        """Draw from the normal distribution of mean `loc` and standard deviation `scale`."""

    def uniform(self, low: float = 0.0, high: float = 1.0, size: Size = None) -> Any:
        """Draw uniformly from [low, high)."""

    def integers(self, low: int, high: int | None = None, size: Size = None) -> Any:
        """Draw whole numbers from [low, high), or from [0, low) if `high` is left out."""

    def poisson(self, lam: ArrayLike = 1.0, size: Size = None) -> Any:
        """Draw counts of the given expectation."""

    def choice(self, a: Any, size: Size = None, replace: bool = True, p: ArrayLike | None = None) -> Any:
        """Draw from the elements of `a`, or from range(a)."""

    def permutation(self, x: Any) -> NDArray[Any]:
        """Shuffle the elements of `x`, or of range(x), into a new array."""
