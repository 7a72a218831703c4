"""PRIME: chains of three general primitives, mixed with each other and with the picture."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from corruptgen.codecs.pixels import SampleFormat
from corruptgen.errors import UnknownName, unknown
from corruptgen.randomness import Stream, rng_for
from corruptgen.transforms.draw import Draw
from corruptgen.transforms.mixture import check_eight_bits, check_unmoved, mixed, mixing
from corruptgen.transforms.pictures import Picture, Samples
from corruptgen.transforms.primitives import random_colours, random_filter, random_warp
from corruptgen.transforms.transform import Transform, call_of
from corruptgen.values.arguments import text_value, truth_value

WIDTH, DEEPEST = 3, 3
FILTER: Mapping[str, Any] = {"sigma": 4.0, "side": 3}
# The highest frequencies of colours and of warps, and how strong and how broad the colours are.
SETTINGS: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "cifar": ({"frequencies": 100, "strength": 0.01, "bandwidth": None}, {"lowest": 2, "highest": 100}),
    "imagenet": ({"frequencies": 500, "strength": 0.05, "bandwidth": 20}, {"lowest": 2, "highest": 500}),
}


class PRIME(Transform):
    """Mix a picture with three chains of up to three primitives each, all drawn for this picture alone.

    The primitives are a random filter, a random warp that never folds and a random smooth colour map. Each of them
    gives 8 bits. Give pictures in [0, 1] or bytes, after cropping and flipping.

    Parameters
    ----------
    setting : "imagenet" or "cifar", the parameters of the paper
    corner : centre the filters as the original code does, which moves the picture by a pixel
    p, seed : see `Transform`; float samples are always taken as 8 bits

    References
    ----------
    Modas et al. 2022, https://arxiv.org/abs/2112.13547
    """

    row = "prime"

    def __init__(
        self, setting: str = "imagenet", corner: bool = False, p: float = 1.0, seed: int | None = None
    ) -> None:
        super().__init__(p, seed)
        if text_value("setting", setting) not in SETTINGS:
            raise UnknownName(unknown("setting of PRIME", setting, SETTINGS))
        self.setting, self.corner = setting, truth_value("corner", corner)

    def _check(self, picture: Picture, others: Sequence[Any]) -> None:
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
        return mixed(samples, chains, weights, share)

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
