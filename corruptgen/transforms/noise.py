"""Training by noise: over the whole picture, or over a patch of it."""

from types import MappingProxyType

from corruptgen.codecs.pixels import Arithmetic, SampleFormat
from corruptgen.errors import SeverityError
from corruptgen.patterns.squares import random_square
from corruptgen.randomness import Stream, rng_for
from corruptgen.randomness.stream import Purpose
from corruptgen.tables import catalog
from corruptgen.tables.cell import Cell
from corruptgen.tables.sizes import Sizes
from corruptgen.transforms.draw import Draw
from corruptgen.transforms.pictures import Samples
from corruptgen.transforms.transform import Transform, call_of
from corruptgen.values.arguments import real_number, shown, truth_value

Sigma = float | tuple[float, float]
# Larger noise is no other noise, and no picture has a longer side.
MOST = 1_000_000


class GaussianNoise(Transform):
    """Add independent normal noise, as `gaussian_noise` does; the severity of a draw is its standard deviation.

    Parameters
    ----------
    sigma : Sigma
        Standard deviation as a fraction of full scale, or the two ends that it is drawn between; more is worse.
    p, seed, eight_bits : float, int or None, bool
        See `Transform`.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.full((64, 64, 3), 128, np.uint8)
    >>> noisy = GaussianNoise(0.1, seed=1)(image, key="a.png")
    >>> noisy.shape, noisy.dtype
    ((64, 64, 3), dtype('uint8'))
    """

    row = "gaussian_noise"

    def __init__(
        self, sigma: Sigma = (0.0, 0.5), p: float = 1.0, seed: int | None = None, *, eight_bits: bool = True
    ) -> None:
        super().__init__(p, seed, eight_bits)
        ends = [real_number(end) for end in (sigma if isinstance(sigma, tuple | list) else (sigma, sigma))]
        low, high = ends if len(ends) == 2 else (None, None)
        if low is None or high is None or not 0 <= low <= high <= MOST:
            raise SeverityError(f"sigma is {shown(sigma)}; pass a number from 0 to {MOST}, or a pair (low, high)")
        self.sigma = (float(low), float(high))

    def _chosen(self, rng: Stream) -> tuple[str, float]:
        return self.row, rng.uniform(*self.sigma)

    def _changed(self, samples: Samples, form: SampleFormat, draw: Draw) -> Samples:
        return _noisy(samples, form, self.row, draw)

    def __repr__(self) -> str:
        return call_of(self, sigma=self.sigma, p=self.p, seed=self.seed)


class SpeckleNoise(GaussianNoise):
    """Add normal noise in proportion to every value, as `speckle_noise` does; else as `GaussianNoise`.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.full((64, 64, 3), 128, np.uint8)
    >>> SpeckleNoise((0.0, 0.2), seed=1)(image, key="a.png").shape
    (64, 64, 3)
    """

    row = "speckle_noise"


class PatchGaussian(Transform):
    """Add independent normal noise within one square of the picture, as `patch_gaussian` does.

    The centre of the square is any pixel, and what lies beyond the border is cut off, so that its area varies. A square
    wider than the picture is noise over all of it.

    Parameters
    ----------
    width : float, default 25
        Side of the square in pixels: 25 for CIFAR, 250 for ImageNet at 224 pixels; more is worse.
    sigma : float, default 1.0
        The largest standard deviation as a fraction of full scale; it is drawn from 0 up to that.
    any_width : bool, default False
        Draw the side from 0 up to `width`, as for ImageNet, instead of always taking that, as for CIFAR.
    p, seed, eight_bits : float, int or None, bool
        See `Transform`.

    References
    ----------
    Lopes et al. 2019, https://arxiv.org/abs/1906.02611

    Examples
    --------
    >>> import numpy as np
    >>> image = np.full((64, 64, 3), 128, np.uint8)
    >>> patched = PatchGaussian(width=25, sigma=0.5, seed=1)(image, key="a.png")
    >>> int((patched != image).any(axis=2).sum()) <= 25 * 25
    True
    """

    row = "patch_gaussian"

    def __init__(
        self,
        width: float = 25,
        sigma: float = 1.0,
        any_width: bool = False,
        p: float = 1.0,
        seed: int | None = None,
        *,
        eight_bits: bool = True,
    ) -> None:
        super().__init__(p, seed, eight_bits)
        side, strongest = real_number(width), real_number(sigma)
        if side is None or strongest is None or not (0 < side <= MOST and 0 < strongest <= MOST):
            raise SeverityError(
                f"width is {shown(width)} and sigma {shown(sigma)}; both must be numbers above 0, up to {MOST}"
            )
        self.width, self.sigma, self.any_width = float(side), float(strongest), truth_value("any_width", any_width)

    def patch(self, height: int, width: int, draw: Draw) -> tuple[slice, slice]:
        """Return the rows and columns of the patch in a picture of this size."""
        return random_square((height, width), self._side(draw), _stream(draw))

    def _side(self, draw: Draw) -> float:
        """Return the side of the patch of a draw."""
        if not self.any_width:
            return self.width
        rng = rng_for(draw.seed, draw.row, draw.severity, draw.key, purpose=Purpose.LOCATION)
        return rng.uniform(0, self.width)

    def _chosen(self, rng: Stream) -> tuple[str, float]:
        return self.row, rng.uniform(0, self.sigma)

    def _changed(self, samples: Samples, form: SampleFormat, draw: Draw) -> Samples:
        return _noisy(samples, form, self.row, draw, width=self._side(draw))

    def __repr__(self) -> str:
        return call_of(self, width=self.width, sigma=self.sigma, any_width=self.any_width, p=self.p, seed=self.seed)


def _noisy(samples: Samples, form: SampleFormat, name: str, draw: Draw, **parameters: float) -> Samples:
    """Apply a corruption whose `sigma` is the severity of the draw."""
    cell = Cell(
        row=draw.row,
        severity=draw.severity,
        corruption=catalog.find_corruption(name),
        parameters=MappingProxyType({"sigma": draw.severity, **parameters}),
        arithmetic=Arithmetic("float32", "round"),
        scaled=frozenset(),
        sizes=Sizes(draw.row),
    )
    return cell.apply(samples, _stream(draw), form)


def _stream(draw: Draw) -> Stream:
    return rng_for(draw.seed, draw.row, draw.severity, draw.key)
