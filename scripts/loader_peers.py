"""Measure the rows of ImageNet-C beside what other libraries offer for them, at about the strength of severity 3.

Only imagecorruptions and corrupt-tta compute the same formulas; the others have corruptions of the same name or kind.
loader_benchmark.py starts this in an environment that has the libraries.
"""

import statistics
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import version
from typing import Any

import albumentations as A  # noqa: N812 - what its users call it
import corrupt_tta
import cv2
import imagecorruptions
import kornia.augmentation as K  # noqa: N812
import torch
from skimage import data
from torch.utils.data import DataLoader, Dataset
from torchvision import tv_tensors
from torchvision.transforms import v2

import corruptgen

TABLE, SEVERITY, SIDE = "imagenet-c", 3, 224
PHOTOGRAPHS = ("astronaut", "coffee", "chelsea", "rocket")
LIBRARIES = ("imagecorruptions-imaug", "corrupt-tta", "albumentations", "kornia", "torchvision", "torch", "numpy")
KERNEL = 31

Apply = Callable[[Any], Any]


def _albumentations(transform: Any) -> Apply:
    return lambda image: transform(image=image)["image"]


def _factors(low: float, high: float | None = None) -> tuple[float, float]:
    return (low, low if high is None else high)


def imagecorruptions_rows(rows: list[str]) -> dict[str, Apply]:
    """Return the function of each row, over uint8 arrays."""
    return {row: partial(imagecorruptions.corrupt, severity=SEVERITY, corruption_name=row) for row in rows}


def corrupt_tta_rows(rows: list[str]) -> dict[str, Apply]:
    """Return the function of each row, over uint8 arrays."""
    return {row: partial(corrupt_tta.corrupt, severity=SEVERITY, corruption_name=row) for row in rows}


def albumentations_rows(rows: list[str]) -> dict[str, Apply]:
    """Return the transforms that albumentations has, over uint8 arrays."""
    made = {
        "gaussian_noise": A.GaussNoise(std_range=_factors(0.18), p=1),
        "shot_noise": A.ShotNoise(scale_range=_factors(1 / 12), p=1),
        "impulse_noise": A.SaltAndPepper(amount=_factors(0.09), p=1),
        "defocus_blur": A.Defocus(radius=(6, 6), alias_blur=_factors(0.5), p=1),
        "glass_blur": A.GlassBlur(sigma=1.0, max_delta=2, iterations=3, p=1),
        "motion_blur": A.MotionBlur(blur_limit=(KERNEL, KERNEL), p=1),
        "zoom_blur": A.ZoomBlur(max_factor=_factors(1.21), step_factor=_factors(0.02), p=1),
        "snow": A.RandomSnow(p=1),
        "fog": A.RandomFog(p=1),
        "brightness": A.RandomBrightnessContrast(brightness_limit=_factors(0.3), contrast_limit=_factors(0.0), p=1),
        "contrast": A.RandomBrightnessContrast(brightness_limit=_factors(0.0), contrast_limit=_factors(-0.8), p=1),
        "elastic_transform": A.ElasticTransform(alpha=12, sigma=4, p=1),
        "pixelate": A.Downscale(scale_range=_factors(0.4), p=1),
        "jpeg_compression": A.ImageCompression(quality_range=(15, 15), p=1),
        "speckle_noise": A.MultiplicativeNoise(multiplier=(0.65, 1.35), per_channel=True, elementwise=True, p=1),
        "gaussian_blur": A.GaussianBlur(sigma_limit=_factors(3.0), blur_limit=0, p=1),
        "spatter": A.Spatter(p=1),
        "saturate": A.HueSaturationValue(0, (-50, -50), 0, p=1),
    }
    return {row: _albumentations(made[row]) for row in rows if row in made}


def kornia_rows(rows: list[str]) -> dict[str, Apply]:
    """Return the modules that kornia has, over float tensors."""
    options: Mapping[str, Any] = {"p": 1.0, "keepdim": True}
    made = {
        "gaussian_noise": K.RandomGaussianNoise(std=0.18, **options),
        "impulse_noise": K.RandomSaltAndPepperNoise(amount=_factors(0.09), **options),
        "motion_blur": K.RandomMotionBlur(KERNEL, (-45.0, 45.0), _factors(0.0), **options),
        "snow": K.RandomSnow(**options),
        "fog": K.RandomPlasmaBrightness(**options),
        "brightness": K.RandomBrightness(_factors(1.3), **options),
        "contrast": K.RandomContrast(_factors(0.2), **options),
        "elastic_transform": K.RandomElasticTransform((25, 25), _factors(4.0), **options),
        "jpeg_compression": K.RandomJPEG(_factors(15.0), **options),
        "gaussian_blur": K.RandomGaussianBlur((25, 25), _factors(3.0), **options),
        "saturate": K.RandomSaturation(_factors(0.5), **options),
    }
    return {row: made[row] for row in rows if row in made}


def torchvision_rows(rows: list[str]) -> dict[str, Apply]:
    """Return the transforms that torchvision has, over uint8 tensors; its noise is over float tensors."""
    made = {
        "brightness": v2.ColorJitter(brightness=_factors(1.3)),
        "contrast": v2.ColorJitter(contrast=_factors(0.2)),
        "elastic_transform": v2.ElasticTransform(12.0, 4.0),
        "jpeg_compression": v2.JPEG(15),
        "gaussian_blur": v2.GaussianBlur(25, 3.0),
        "saturate": v2.ColorJitter(saturation=_factors(0.5)),
    }
    return {row: made[row] for row in rows if row in made}


def torchvision_float_rows(rows: list[str]) -> dict[str, Apply]:
    """Return torchvision's noise."""
    return {row: v2.GaussianNoise(sigma=0.18) for row in rows if row == "gaussian_noise"}


def as_array(image: Any) -> Any:
    """Return a uint8 (H, W, C) array as it is."""
    return image


def as_tensor(image: Any) -> Any:
    """Return it as torchvision's uint8 picture."""
    return tv_tensors.Image(torch.from_numpy(image).permute(2, 0, 1).contiguous())


def as_floats(image: Any) -> Any:
    """Return it as a float tensor in [0, 1]."""
    return torch.from_numpy(image).permute(2, 0, 1).contiguous().float() / 255


# By name: the rows, and the kind of picture that the library takes; ours gets the same.
PEERS: Mapping[str, tuple[Callable[[list[str]], dict[str, Apply]], Apply]] = {
    "imagecorruptions": (imagecorruptions_rows, as_array),
    "corrupt-tta": (corrupt_tta_rows, as_array),
    "albumentations": (albumentations_rows, as_array),
    "torchvision v2": (torchvision_rows, as_tensor),
    "torchvision v2, float": (torchvision_float_rows, as_floats),
    "kornia": (kornia_rows, as_floats),
}


class Pictures(Dataset):
    """Pictures that are in memory, through a function."""

    def __init__(self, pictures: list[Any], function: Apply) -> None:
        self.pictures, self.function = pictures, function

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> Any:
        return self.function(self.pictures[index])


def loaders(row: str | None, pictures: list[Any]) -> dict[str, Any]:
    """Return a loader for ours with each kind of picture, and one for each peer with the row; None: only loading."""
    found: dict[str, Any] = {}
    for name, (rows, kind) in PEERS.items():
        theirs = rows([row]).get(row) if row else None
        if row is None or theirs is not None:
            ours = as_array if row is None else corruptgen.Corrupt(TABLE, row, SEVERITY)
            given = [kind(picture) for picture in pictures]
            found.setdefault(kind.__name__, DataLoader(Pictures(given, ours), batch_size=4))
            if theirs is not None:
                found[name] = DataLoader(Pictures(given, theirs), batch_size=4)
    return found


def medians(contenders: Mapping[str, Any], images: int, rounds: int) -> dict[str, float]:
    """Return the milliseconds of processor time per image of each loader, all of them in turn."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, each in contenders.items():
            begun = time.process_time()
            for _ in each:
                pass
            # The first pass compiles and fills caches.
            if number:
                times[name].append((time.process_time() - begun) / images * 1000)
    return {name: statistics.median(taken) for name, taken in times.items()}


def main(images: int, rounds: int, rows: list[str]) -> None:
    """Measure and print the table."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    shown = [getattr(data, name)()[..., :3] for name in PHOTOGRAPHS]
    pictures = [cv2.resize(shown[n % len(shown)], (SIDE, SIDE), interpolation=cv2.INTER_AREA) for n in range(images)]
    kinds = list(dict.fromkeys(kind.__name__ for _, kind in PEERS.values()))
    print("| row | corruptgen: array / tensor / float tensor | " + " | ".join(PEERS) + " |")
    print("|---" * (len(PEERS) + 2) + "|")
    ahead = []
    for row in (None, *(rows or corruptgen.rows(TABLE))):
        times = medians(loaders(row, pictures), images, rounds)
        ours = " / ".join(f"{times[kind]:.2f}" if kind in times else "–" for kind in kinds)
        cells = []
        for name, (_, kind) in PEERS.items():
            ratio = times[name] / times[kind.__name__] if name in times else 0
            cells.append(f"{times[name]:.2f} ({ratio:.1f}×)" if ratio else "")
            if 0 < ratio <= 1:
                ahead.append(f"{row}: {name} takes {times[name]:.2f} ms, corruptgen {times[kind.__name__]:.2f} ms")
        print(f"| {row or 'loading alone'} | {ours} | " + " | ".join(cells) + " |", flush=True)
    print(f"\nMilliseconds per image of {SIDE}×{SIDE} at severity {SEVERITY}, loading included.")
    print(f"Medians of {rounds} passes of {images} images, the contenders in turn.")
    print("In brackets: how many times longer than corruptgen takes for the same kind of picture. Versions:")
    print(", ".join(f"{name} {version(name)}" for name in LIBRARIES) + f", opencv {cv2.__version__}.")
    print("\nRows in which another library is not behind:\n")
    print("\n".join(f"- {line}" for line in ahead or ["none"]))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
