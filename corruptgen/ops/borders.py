"""What lies outside the border of an image."""

import numpy as np
from numpy.typing import NDArray


def border_indices(length: int, reach: int, border: str) -> NDArray[np.int64]:
    """Return the position inside an axis of `length` samples that stands for each of -reach ... length - 1 + reach.

    Parameters
    ----------
    length : int
        Number of samples along the axis.
    reach : int
        How far the indices go beyond either end.
    border : str
        "nearest" repeats the outermost sample (a a | a b c d | d d), "reflect" mirrors between samples (b a | a b c d |
        d c), "mirror" mirrors at the outermost sample (c b | a b c d | c b).
    """
    positions = np.arange(-reach, length + reach)
    match border:
        case "nearest":
            return np.clip(positions, 0, length - 1)
        case "reflect":
            folded = positions % (2 * length)
            return np.minimum(folded, 2 * length - 1 - folded)
        case "mirror" if length > 1:
            folded = positions % (2 * length - 2)
            return np.minimum(folded, 2 * length - 2 - folded)
        case "mirror":
            return np.zeros_like(positions)
        case _:
            raise ValueError(f"border is {border!r}; known: 'nearest', 'reflect', 'mirror'")
