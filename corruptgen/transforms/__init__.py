"""Corruptions on the fly: transforms for data loaders, and views of datasets whose items are those of `generate`."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from corruptgen.runtime.extras import need
from corruptgen.transforms.augmedmnistc import AugMedMNISTC
from corruptgen.transforms.augmix import AugMix
from corruptgen.transforms.corrupt import Corrupt
from corruptgen.transforms.draw import Draw
from corruptgen.transforms.maite import CorruptAugmentation, CorruptDetectionAugmentation
from corruptgen.transforms.noise import GaussianNoise, PatchGaussian, SpeckleNoise
from corruptgen.transforms.prime import PRIME
from corruptgen.transforms.transform import Transform
from corruptgen.transforms.view import Corrupted, Keyed, all_cells

if TYPE_CHECKING:
    from corruptgen.transforms.albumentations import AlbumentationsCorrupt
    from corruptgen.transforms.module import CorruptModule

__all__ = [
    "PRIME",
    "AlbumentationsCorrupt",
    "AugMedMNISTC",
    "AugMix",
    "Corrupt",
    "CorruptAugmentation",
    "CorruptDetectionAugmentation",
    "CorruptModule",
    "Corrupted",
    "Draw",
    "GaussianNoise",
    "Keyed",
    "PatchGaussian",
    "SpeckleNoise",
    "Transform",
    "all_cells",
]

# Subclasses of what a framework has: loaded at first use, because the framework is loaded with them.
_FRAMEWORKS = {
    "AlbumentationsCorrupt": ("corruptgen.transforms.albumentations", "albumentations"),
    "CorruptModule": ("corruptgen.transforms.module", "torch"),
}


def __getattr__(name: str) -> Any:
    if name not in _FRAMEWORKS:
        raise AttributeError(f"module 'corruptgen.transforms' has no attribute {name!r}")
    module, framework = _FRAMEWORKS[name]
    need(framework, name)
    return getattr(import_module(module), name)


def __dir__() -> list[str]:
    return sorted(__all__)
