"""AugMix: chains of simple operations, mixed with each other and with the picture."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import SampleFormat
from corruptgen.corruptions.augmentation.movements import MOVEMENTS
from corruptgen.corruptions.augmentation.tones import (
    HIGHEST,
    autocontrast,
    equalize,
    posterize,
    scale_brightness,
    scale_colour,
    scale_contrast,
    scale_sharpness,
    solarize,
)
from corruptgen.errors import ArgumentError, SeverityError
from corruptgen.randomness import Stream, rng_for
from corruptgen.transforms.draw import Draw
from corruptgen.transforms.mixture import check_eight_bits, check_unmoved, mix, mixing
from corruptgen.transforms.pictures import Frames, Samples
from corruptgen.transforms.transform import Transform, call_of
from corruptgen.values.arguments import normalise_severity, real_number, shown, truth_value, whole_number

LEAST = 0.1
VIEWS = (1, 3)
MOST = 1000
Bytes = NDArray[np.uint8]
Operation = Callable[[Bytes, float, int], Bytes]
"""Takes an image, a level and a sign, -1 or 1."""


class AugMix(Transform):
    """Mix a picture with `width` chains of up to three operations each, at random weights.

    Parameters
    ----------
    severity : float, default 3
        The strongest level of an operation, above 0.1 and up to 10: 3 for CIFAR, 1 for ImageNet; more is worse.
    views : int, default 1
        1 returns the mixed picture; 3 returns (picture, mixed, mixed again), for the Jensen-Shannon loss.
    all_operations : bool, default False
        Also take the operations that overlap with those of ImageNet-C (brightness, colour, contrast, sharpness), which
        makes results on ImageNet-C and CIFAR-10-C unfair.
    width : int, default 3
        Number of chains.
    depth : int or None
        Number of operations in a chain; None: 1 to 3, drawn for each.
    alpha : float, default 1.0
        How even the weights are; 1: all weights are equally likely.
    p, seed : float, int or None
        See `Transform`; float samples are always taken as 8 bits.

    References
    ----------
    Hendrycks et al. 2020, https://arxiv.org/abs/1912.02781

    Examples
    --------
    >>> import numpy as np
    >>> image = np.full((64, 64, 3), 128, np.uint8)
    >>> clean, one, two = AugMix(severity=3, views=3, seed=1)(image, key="a.png")
    >>> one.shape == two.shape == image.shape
    True
    """

    row = "augmix"

    def __init__(
        self,
        severity: float = 3,
        views: int = 1,
        all_operations: bool = False,
        width: int = 3,
        depth: int | None = None,
        alpha: float = 1.0,
        p: float = 1.0,
        seed: int | None = None,
    ) -> None:
        super().__init__(p, seed)
        strongest, evenness = real_number(severity), real_number(alpha)
        if strongest is None or not LEAST < strongest <= HIGHEST:
            raise SeverityError(f"severity is {shown(severity)}; it must be above {LEAST} and at most {HIGHEST}")
        if real_number(views) not in VIEWS:
            raise ArgumentError(f"views is {shown(views)}; it must be 1 or 3")
        if evenness is None or not 0 < evenness <= MOST:
            raise ArgumentError(f"alpha is {shown(alpha)}; it must be above 0 and at most {MOST}")
        self.severity, self.views = normalise_severity(strongest), int(views)
        self.all_operations = truth_value("all_operations", all_operations)
        self.width = whole_number("width", width, 1, MOST)
        self.depth = None if depth is None else whole_number("depth", depth, 1, MOST)
        self.alpha = float(evenness)

    @property
    def operations(self) -> tuple[str, ...]:
        """The names of the operations that are drawn from."""
        return tuple(OPERATIONS if self.all_operations else DISJOINT)

    def _check(self, picture: Frames, others: Sequence[Any]) -> None:
        check_unmoved(picture.alpha, others)

    def _uncovered(self, alpha: Samples, draw: Draw) -> Samples:
        check_unmoved(alpha)
        return alpha

    def _chosen(self, rng: Stream) -> tuple[str, float]:
        return self.row, self.severity

    def _changed(self, samples: Samples, form: SampleFormat, draw: Draw) -> Samples:
        check_eight_bits(form)
        rng = rng_for(draw.seed, draw.row, draw.severity, draw.key)
        weights, share = mixing(rng, self.width, self.alpha)
        chains = [self._chain(samples, rng, draw.severity) for _ in range(self.width)]
        return mix(samples, chains, weights, share)

    def _closed(self, picture: Frames, draws: Sequence[Draw]) -> Any:
        if self.views == 1:
            return super()._closed(picture, draws)
        views = [super(AugMix, self)._closed(picture, [draw.numbered(view) for draw in draws]) for view in (1, 2)]
        return (picture.closed([frame.copy() for frame in picture.frames]), *views)

    def _chain(self, samples: Samples, rng: Stream, severity: float) -> Samples:
        names = self.operations
        for _ in range(self.depth or 1 + rng.integers(3)):
            name = names[rng.integers(len(names))]
            level, sign = rng.uniform(LEAST, severity), 1 - 2 * rng.integers(2)
            samples = OPERATIONS[name](samples, level, sign)
        return samples

    def __repr__(self) -> str:
        return call_of(
            self, severity=self.severity, views=self.views, all_operations=self.all_operations, width=self.width,
            depth=self.depth, alpha=self.alpha, p=self.p, seed=self.seed,
        )  # fmt: skip


def _moved(name: str) -> Operation:
    return lambda image, level, sign: MOVEMENTS[name](image.shape, level, sign).moved(image)


def _toned(change: Callable[..., Bytes]) -> Operation:
    return lambda image, level, sign: change(image, level=level)


# The rows of the table `augmix-operations`, by their names. The first nine are drawn from; the others overlap with
# corruptions of ImageNet-C.
DISJOINT: Mapping[str, Operation] = {
    "autocontrast": lambda image, level, sign: autocontrast(image),
    "equalize": lambda image, level, sign: equalize(image),
    "posterize": _toned(posterize),
    "rotate": _moved("rotate"),
    "solarize": _toned(solarize),
    "shear_x": _moved("shear_x"),
    "shear_y": _moved("shear_y"),
    "translate_x": _moved("translate_x"),
    "translate_y": _moved("translate_y"),
}
OVERLAPPING: Mapping[str, Operation] = {
    "brightness": _toned(scale_brightness),
    "color": _toned(scale_colour),
    "contrast": _toned(scale_contrast),
    "sharpness": _toned(scale_sharpness),
}
OPERATIONS: Mapping[str, Operation] = {**DISJOINT, **OVERLAPPING}
