"""What other libraries call our rows: for each one the calls that are timed, of the same formulas or of equivalents."""

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Calls = Mapping[str, Callable[[Image, int], object]]
MIDDLE = 3
"""The only severity of equivalents: libraries without severities are given parameters like those of our third level."""
# What is declared in them is gone with them.
_LIBRARIES: list[Any] = []


@dataclass(frozen=True)
class Peer:
    """A library and how it is installed beside ours."""

    name: str
    install: tuple[tuple[str, ...], ...]
    """What pip is given, call by call."""
    calls: Callable[[], Calls]
    is_the_same: bool = False
    """Whether its formulas are ours, at every severity; if not, they are equivalents."""


def imagecorruptions() -> Calls:
    """Return the rows of imagecorruptions, of the fork that runs on today's libraries."""
    import imagecorruptions as package  # noqa: PLC0415

    def call(row: str) -> Callable[[Image, int], object]:
        return lambda image, severity: package.corrupt(image, severity=severity, corruption_name=row)

    return {row: call(row) for row in package.get_corruption_names("all")}


def corrupt_tta() -> Calls:
    """Return the rows of corrupt-tta."""
    import corrupt_tta as package  # noqa: PLC0415

    def call(row: str) -> Callable[[Image, int], object]:
        return lambda image, severity: package.corrupt(image, severity=severity, corruption_name=row)

    return {row: call(row) for row in package.corruption_dict}


def albumentations() -> Calls:
    """Return the equivalents of albumentations, each with one fixed strength."""
    import albumentations as package  # noqa: PLC0415

    always = {"p": 1.0}
    transforms = {
        "gaussian_noise": package.GaussNoise(std_range=(0.18, 0.18), **always),
        "shot_noise": package.ShotNoise(scale_range=(0.08, 0.08), **always),
        "impulse_noise": package.SaltAndPepper(amount=(0.09, 0.09), **always),
        "speckle_noise": package.MultiplicativeNoise(
            multiplier=(0.65, 1.35), elementwise=True, per_channel=True, **always
        ),
        "defocus_blur": package.Defocus(radius=(6, 6), alias_blur=(0.5, 0.5), **always),
        "glass_blur": package.GlassBlur(sigma=1.0, max_delta=2, iterations=3, mode="fast", **always),
        "motion_blur": package.MotionBlur(blur_limit=(21, 21), **always),
        "zoom_blur": package.ZoomBlur(max_factor=(1.2, 1.2), step_factor=(0.02, 0.02), **always),
        "gaussian_blur": package.GaussianBlur(sigma_limit=(3, 3), blur_limit=0, **always),
        "snow": package.RandomSnow(snow_point_range=(0.3, 0.3), brightness_coeff=2.5, **always),
        "fog": package.RandomFog(fog_coef_range=(0.6, 0.6), **always),
        "brightness": package.RandomBrightnessContrast((0.3, 0.3), (0.0, 0.0), **always),
        "contrast": package.RandomBrightnessContrast((0.0, 0.0), (-0.8, -0.8), **always),
        "saturate": package.HueSaturationValue((0, 0), (40, 40), (0, 0), **always),
        "elastic_transform": package.ElasticTransform(alpha=12, sigma=3, **always),
        "pixelate": package.Downscale(scale_range=(0.4, 0.4), **always),
        "jpeg_compression": package.ImageCompression(quality_range=(15, 15), **always),
        "spatter": package.Spatter(mode="rain", **always),
    }

    def call(transform: Any) -> Callable[[Image, int], object]:
        return lambda image, _: transform(image=image)["image"]

    return {row: call(transform) for row, transform in transforms.items()}


def _on_tensors(transforms: Mapping[str, Callable[[Any], object]], *, unit: bool) -> Calls:
    """Time transforms of tensors without the conversion from and to an array: that favours them."""
    import torch  # noqa: PLC0415

    torch.set_num_threads(1)
    ready: dict[int, Any] = {}

    def call(transform: Callable[[Any], object]) -> Callable[[Image, int], object]:
        def timed(image: Image, _: int) -> object:
            if id(image) not in ready:
                tensor = torch.from_numpy(image.transpose(2, 0, 1).copy())
                ready[id(image)] = tensor[None].float() / 255 if unit else tensor
            return transform(ready[id(image)])

        return timed

    return {row: call(transform) for row, transform in transforms.items()}


def kornia() -> Calls:
    """Return the equivalents of kornia, on the processor."""
    from kornia import augmentation, enhance  # noqa: PLC0415

    transforms = {
        "gaussian_noise": augmentation.RandomGaussianNoise(std=0.18, p=1.0),
        "impulse_noise": augmentation.RandomSaltAndPepperNoise(amount=(0.09, 0.09), p=1.0),
        "motion_blur": augmentation.RandomMotionBlur(21, 45.0, 0.0, p=1.0),
        "gaussian_blur": augmentation.RandomGaussianBlur((25, 25), (3.0, 3.0), p=1.0),
        "snow": augmentation.RandomSnow((0.3, 0.3), (2.0, 2.0), p=1.0),
        "fog": augmentation.RandomPlasmaBrightness((0.5, 0.5), (0.3, 0.3), p=1.0),
        "brightness": lambda tensor: enhance.adjust_brightness(tensor, 0.3),
        "contrast": lambda tensor: enhance.adjust_contrast(tensor, 0.2),
        "saturate": lambda tensor: enhance.adjust_saturation(tensor, 2.0),
        "elastic_transform": augmentation.RandomElasticTransform((25, 25), (3.0, 3.0), p=1.0),
        "jpeg_compression": augmentation.RandomJPEG((15.0, 15.0), p=1.0),
    }
    return _on_tensors(transforms, unit=True)


def torchvision() -> Calls:
    """Return the equivalents of torchvision's transforms v2, on the processor."""
    declare_missing_operators()
    from torchvision.transforms import v2  # noqa: PLC0415
    from torchvision.transforms.v2 import functional  # noqa: PLC0415

    floats = {
        "gaussian_noise": v2.GaussianNoise(sigma=0.18),
    }
    others = {
        "gaussian_blur": v2.GaussianBlur(25, (3.0, 3.0)),
        "elastic_transform": v2.ElasticTransform(12.0, 3.0),
        "brightness": lambda tensor: functional.adjust_brightness(tensor, 1.3),
        "contrast": lambda tensor: functional.adjust_contrast(tensor, 0.2),
        "saturate": lambda tensor: functional.adjust_saturation(tensor, 2.0),
        "jpeg_compression": v2.JPEG((15, 15)),
    }
    return {**_on_tensors(floats, unit=True), **_on_tensors(others, unit=False)}


def declare_missing_operators() -> None:
    """Let torchvision be imported without its compiled operators, which no transform but JPEG needs.

    A wheel that was built for graphics cards cannot load them beside a torch that was not, and refuses to be imported.
    """
    import torch  # noqa: PLC0415

    library = torch.library.Library("torchvision", "FRAGMENT")
    while True:
        try:
            import torchvision  # noqa: F401, PLC0415
        except RuntimeError as error:
            missing = re.search(r"operator torchvision::(\w+) does not exist", str(error))
            if missing is None:
                raise
            library.define(f"{missing[1]}() -> ()")
            for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
                del sys.modules[name]
        else:
            _LIBRARIES.append(library)
            return


def medmnistc() -> Calls:
    """Return the rows of MedMNIST-C, with the severities of the data set that has most of ours."""
    from medmnistc.corruptions.registry import CORRUPTIONS_DS  # noqa: PLC0415
    from PIL import Image as Picture  # noqa: PLC0415

    def call(corruption: Any) -> Callable[[Image, int], object]:
        return lambda image, severity: corruption.apply(Picture.fromarray(image), severity - 1)

    return {row: call(corruption) for row, corruption in CORRUPTIONS_DS["pathmnist"].items()}


def imgaug() -> Calls:
    """Return the equivalents of imgaug."""
    from imgaug import augmenters as iaa  # noqa: PLC0415

    transforms = {
        "gaussian_noise": iaa.AdditiveGaussianNoise(scale=46, per_channel=True),
        "impulse_noise": iaa.SaltAndPepper(0.09),
        "motion_blur": iaa.MotionBlur(21),
        "gaussian_blur": iaa.GaussianBlur(3.0),
        "contrast": iaa.LinearContrast(0.2),
        "elastic_transform": iaa.ElasticTransformation(12, 3),
        "jpeg_compression": iaa.JpegCompression(85),
    }

    def call(transform: Any) -> Callable[[Image, int], object]:
        return lambda image, _: transform(image=image)

    return {row: call(transform) for row, transform in transforms.items()}


ALONE = "--no-deps"
PEERS = (
    Peer("imagecorruptions", ((ALONE, "imagecorruptions-imaug==1.1.5"), ("scikit-image",)), imagecorruptions, True),
    Peer("corrupt-tta", ((ALONE, "corrupt-tta==0.1.7"),), corrupt_tta),
    Peer("albumentations", ((ALONE, "albumentations==2.0.8"), ("albucore==0.0.24", "pydantic")), albumentations),
    Peer("kornia", (("torch==2.13.0", "kornia==0.9.0"),), kornia),
    Peer("torchvision", (("torch==2.13.0",), (ALONE, "torchvision==0.28.0")), torchvision),
    Peer("medmnistc", ((ALONE, "medmnistc==0.1.0"), ("Wand",)), medmnistc),
    Peer("imgaug", ((ALONE, "imgaug==0.4.0"), ("six", "imageio", "shapely")), imgaug),
)
