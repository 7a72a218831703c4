"""What the programs that published a table call: for each one the functions that are timed, imported from a clone.

All calls start from the bytes of an image and end with bytes, and convert between as the original's own loop does.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures

from benchmark_peers import Calls, Image, declare_missing_operators
from corruptgen.tables import catalog

Planes = Mapping[str, NDArray[np.float32]]
NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Original:
    """A repository, and the table that has its rows."""

    table: str
    url: str
    commit: str
    calls: Callable[[Path], Calls]
    """Imports from a clone, and returns what is called with the image and the level."""
    rows: tuple[str, ...]
    """What `calls` returns, in the order of the report."""
    left_out: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    """Rows of the table that are not called, and why."""
    inputs: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    """Rows that take a plane beside the image, and which."""
    shared: Mapping[str, int] = field(default_factory=lambda: NOTHING)
    """Rows that the original makes several of in one call, and how many: its time is divided by that."""
    textures: str = ""
    """Folder of the clone in which our table finds the original's assets."""

    @property
    def clone(self) -> str:
        """The folder that `git clone` makes."""
        return self.url.rpartition("/")[2]


@contextmanager
def importing_from(folder: Path, *needless: str) -> Iterator[None]:
    """Import from a folder, and forget its modules after it: clones have modules of the same names.

    What is needless is imported there for other things than what is timed, and may be missing.
    """
    before, missing = set(sys.modules), []
    for name in needless:
        try:
            __import__(name)
        except (ImportError, RuntimeError, OSError):
            sys.modules[name] = MagicMock(name=name)
            missing.append(name)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in missing:
            del sys.modules[name]
        for name in set(sys.modules) - before - set(needless):
            if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(folder)):
                del sys.modules[name]


def imagenet_c_bar(clone: Path) -> Calls:
    """Return the transforms of ImageNet-C-bar, each made once for a level, as for a folder."""
    with importing_from(clone / "imagenet_c_bar"):
        from transform_finder import build_transform, transform_dict  # noqa: PLC0415

    lines = (clone / "imagenet_c_bar/imagenet_c_bar.csv").read_text("utf-8").split()
    magnitudes = {name: [float(value) for value in values] for name, *values in (line.split(",") for line in lines)}

    def call(row: str) -> Callable[[Image, int], object]:
        levels = [build_transform(name=row, severity=value, dataset_type="imagenet") for value in magnitudes[row]]
        return lambda image, level: levels[level - 1](image)

    return {row: call(row) for row in magnitudes if row in transform_dict}


def on_pictures(functions: Mapping[str, Callable[[Any, int], Any]]) -> Calls:
    """Return calls of functions that take pictures of Pillow, and return such ones."""

    def call(function: Callable[[Any, int], Any]) -> Callable[[Image, int], object]:
        return lambda image, level: np.asarray(function(Pictures.fromarray(image), level))

    return {row: call(function) for row, function in functions.items()}


def avrobust(clone: Path) -> Calls:
    """Return the functions for images of AVRobustBench."""
    magick = ("wand.api", "wand.image")
    with importing_from(clone / "corruptions", "torch", "torchaudio", "torchaudio.functional", *magick):
        import corruptions as module  # noqa: PLC0415

    # Its name of old.
    vars(np)["fromstring"] = np.frombuffer
    return on_pictures({row: getattr(module, f"{row}_visual") for row in AVROBUST})


def optics_bench(clone: Path) -> Calls:
    """Return the convolutions of OpticsBench: its own path for processors, since the other needs an accelerator."""
    import torch  # noqa: PLC0415

    with importing_from(clone):
        from optics_augment.augment import OpticsAugment  # noqa: PLC0415

    torch.set_num_threads(1)
    stack = torch.load(clone / "kernel_stack_iccvw.pt", weights_only=True)

    def call(term: int) -> Callable[[Image, int], object]:
        def timed(image: Image, level: int) -> object:
            kernel = stack[term, level - 1].unsqueeze(0)
            with torch.no_grad():
                return to_bytes(OpticsAugment._cpu_apply(to_tensor(image), kernel, "zeros").clip(0, 1))

        return timed

    return {row: call(term) for term, row in enumerate(OPTICS)}


def to_tensor(image: Image) -> Any:
    """Do what torchvision's ToTensor does."""
    import torch  # noqa: PLC0415

    return torch.from_numpy(image.transpose(2, 0, 1)).contiguous().float().div(255)


def to_bytes(tensor: Any) -> Image:
    """Do what torchvision's ToPILImage does, but for the picture."""
    return np.transpose(tensor.mul(255).byte().numpy(), (1, 2, 0))


def three_dcc(clone: Path) -> Calls:
    """Return the functions of ImageNet-3DCC that need no renderer, for batches of one image, on the processor."""
    import torch  # noqa: PLC0415

    torch.set_num_threads(1)
    folder = clone / "create_3dcc"
    vision = ("torchvision", "torchvision.transforms", "torchvision.transforms.functional", "torchvision.datasets")
    with importing_from(folder, *vision, "fire", "natsort", "tqdm", "matplotlib", "matplotlib.pyplot"):
        import create_dof  # noqa: PLC0415
        import create_flash  # noqa: PLC0415
        import create_fog  # noqa: PLC0415
        import create_non3d  # noqa: PLC0415
        from PIL import ImageOps  # noqa: F401, PLC0415 - which one of them uses without importing it

    # Both are for accelerators alone; of the places of focus there is one of each kind.
    create_dof.parallel_apply = lambda modules, inputs: [
        one(*given) for one, given in zip(modules, inputs, strict=True)
    ]
    create_dof.sample_idxs_2 = lambda _: SimpleNamespace(cuda=lambda: torch.tensor([0, 7]))

    def with_plane(function: Callable[..., Any], name: str) -> Callable[[Image, int], object]:
        def timed(image: Image, level: int) -> object:
            plane = torch.from_numpy(planes(*image.shape[:2])[name])[None]
            with torch.no_grad():
                return to_bytes(function(to_tensor(image)[None], plane, severity=level)[0])

        return timed

    def focus(image: Image, level: int) -> object:
        plane = torch.from_numpy(planes(*image.shape[:2])["depth"])[None]
        made, _ = create_dof.defocus_blur_3D(to_tensor(image)[None], plane, severity=level)
        return [to_bytes(one) for one in made[0]]

    plain = {row: getattr(create_non3d, row) for row in ("color_quant", "low_light", "iso_noise")}
    return {
        **on_pictures(plain),
        "fog_3d": with_plane(create_fog.fog_3d, "depth"),
        "flash": with_plane(create_flash.flash, "reshading"),
        "near_focus": focus,
        "far_focus": focus,
    }


_PLANES: dict[tuple[int, int], Planes] = {}


def planes(height: int, width: int) -> Planes:
    """Return a room that is farther away at the top, with something round in its middle, and the light on it."""
    if (height, width) not in _PLANES:
        rows, columns = (np.mgrid[:height, :width] / np.array([height, width])[:, None, None]).astype(np.float32)
        is_round = (columns - 0.5) ** 2 + (rows - 0.5) ** 2 < 0.04
        depth = np.float32(0.05) + (1 - rows) / 4 + np.sin(3 * columns) ** 2 / 10 + np.float32(0.08) * is_round
        _PLANES[height, width] = {"depth": depth, "reshading": np.clip(1 - 2 * depth, 0, 1)}
    return _PLANES[height, width]


def geirhos(clone: Path) -> Calls:
    """Return the manipulations of Geirhos et al., from bytes to what their save_img writes."""
    from skimage import color  # noqa: PLC0415

    # Names of old; the last is only there to write files.
    vars(color)["rgb2grey"] = color.rgb2gray
    with importing_from(clone / "code", "scipy.misc", "scipy.ndimage.filters"):
        vars(sys.modules["scipy.misc"])["toimage"] = None
        if isinstance(sys.modules["scipy.ndimage.filters"], MagicMock):
            from scipy import ndimage  # noqa: PLC0415

            sys.modules["scipy.ndimage.filters"] = ndimage
        import image_manipulation as module  # noqa: PLC0415

    kept = cache(lambda name: np.load(clone / f"code/{name}.npy"))
    rng = np.random.RandomState(803)

    def values(row: str, column: str) -> list[Any]:
        return list(catalog.preset("geirhos-2018").content[row][column])

    shares, widths = values("contrast", "share"), values("uniform_noise", "width")
    amounts, wide = values("salt_and_pepper", "amount"), values("low_pass", "sigma")
    # The first is no call of the filter.
    narrow, degrees = [None, *values("high_pass", "sigma")], values("phase_scrambling", "degrees")
    functions: Mapping[str, Callable[[Any, int], Any]] = {
        "greyscale": lambda image, _: module.rgb2gray(image),
        "contrast": lambda image, level: module.grayscale_contrast(image, shares[level - 1]),
        "uniform_noise": lambda image, level: module.uniform_noise(image, widths[level - 1], 0.3, rng),
        "salt_and_pepper": lambda image, level: module.salt_and_pepper_noise(image, amounts[level - 1], 0.3, rng),
        "low_pass": lambda image, level: module.low_pass_filter(image, wide[level - 1]),
        "high_pass": lambda image, level: (
            module.rgb2gray(image) if narrow[level - 1] is None else module.high_pass_filter(image, narrow[level - 1])
        ),
        "phase_scrambling": lambda image, level: module.phase_scrambling(image, degrees[level - 1]),
        "power_equalisation": lambda image, level: (
            module.rgb2gray(image) if level == 1 else module.power_equalisation(image, kept("mean_power_spectrum_grey"))
        ),
        "rotation": lambda image, level: (
            module.rgb2gray(image) if level == 1 else getattr(module, f"rotate{90 * (level - 1)}")(image)
        ),
        "false_colour": lambda image, _: module.false_colour(image, kept("x_gamma_function")),
    }

    def call(function: Callable[[Any, int], Any]) -> Callable[[Image, int], object]:
        return lambda image, level: (function(image / 255.0, level) * 255).astype(np.uint8)

    return {row: call(function) for row, function in functions.items()}


def laion_c(clone: Path) -> Calls:
    """Return the distortions of LAION-C, for batches of one picture, which is resized and cropped first."""
    declare_missing_operators()
    from torchvision import transforms  # noqa: PLC0415

    view = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(SIDE)])
    others = ("custom_dataset", "webdataset", "tqdm", "matplotlib", "matplotlib.pyplot")
    with importing_from(clone / "distortions", *others):
        import apply_distortions as module  # noqa: PLC0415

    module.print = lambda *_: None
    tiles = np.random.RandomState(803).random_sample((1000, 3, 16, 16)).astype(np.float32)
    counts = (150, 300, 600, 800, 1000)
    pasted = [module.PasteShapes(count) for count in counts]

    def batched(function: Callable[[Any, int], Any]) -> Callable[[Image, int], object]:
        def timed(image: Image, level: int) -> object:
            seen = np.asarray(view(Pictures.fromarray(image)))
            _, made = function(to_tensor(seen)[None].numpy(), level)
            return (made.transpose((0, 2, 3, 1)) * 255).clip(0, 255).astype(np.uint8)

        return timed

    pictures = {
        "geometric_shapes": lambda picture, level: pasted[level - 1](view(picture)),
        "vertical_lines": lambda picture, level: module.draw_vertical_lines(view(picture), level),
    }
    return {
        **on_pictures(pictures),
        "luminance_checkerboard": batched(lambda x, level: module.luminance_augmentation(x, level, "luminance")),
        "glitched": batched(lambda x, level: module.glitched(x, level, "glitched")),
        "stickers": batched(lambda x, level: module.sticker_augmentations(x, "sticker", tiles, 1, level)),
    }


def augmix(clone: Path) -> Calls:
    """Return the operations of AugMix, as its loaders call them: from picture to picture."""
    with importing_from(clone):
        import augmentations as module  # noqa: PLC0415

    module.IMAGE_SIZE = SIDE
    return on_pictures({function.__name__: function for function in module.augmentations_all})


def prime(clone: Path) -> Calls:
    """Return the primitives of PRIME, for batches of one image, with strengths of ours."""
    import torch  # noqa: PLC0415

    torch.set_num_threads(1)
    with importing_from(clone):
        from utils.color_jitter import RandomSmoothColor  # noqa: PLC0415
        from utils.diffeomorphism import Diffeo  # noqa: PLC0415
        from utils.rand_filter import RandomFilter  # noqa: PLC0415

    rows = catalog.preset("prime-primitives").content
    modules = {
        "random_filter": [RandomFilter(3, sigma) for sigma in rows["random_filter"]["sigma"]],
        # Its strength is drawn, and takes no time.
        "diffeo": [Diffeo(1.0, 1.0, 1.0, 1.0, 9, 10, 1.0) for _ in rows["diffeo"]["displacement"]],
        "smooth_color": [RandomSmoothColor(10, variance) for variance in rows["smooth_color"]["variance"]],
    }

    def call(levels: list[Any]) -> Callable[[Image, int], object]:
        def timed(image: Image, level: int) -> object:
            with torch.no_grad():
                return to_bytes(levels[level - 1](to_tensor(image)[None])[0])

        return timed

    return {row: call(levels) for row, levels in modules.items()}


SIDE = 224
AVROBUST = (
    *("gaussian", "impulse", "shot", "speckle", "compression", "snow", "spatter"),
    *("wind", "rain", "underwater", "concert", "smoke", "interference"),
)
OPTICS = (
    *("defocus", "vertical_astigmatism", "oblique_astigmatism", "horizontal_coma", "vertical_coma", "spherical"),
    *("oblique_trefoil", "vertical_trefoil"),
)
DRAWN = "one of two others is drawn"
GITHUB = "https://github.com"
ORIGINALS = (
    Original(
        "imagenet-c-bar",
        f"{GITHUB}/facebookresearch/augmentation-corruption",
        "ba4d5a5",
        imagenet_c_bar,
        (
            *("caustic_refraction", "inverse_sparkles", "sparkles", "perlin_noise", "blue_noise_sample"),
            *("plasma_noise", "checkerboard_cutout", "cocentric_sine_waves", "single_frequency_greyscale"),
            "brownish_noise",
        ),
    ),
    Original(
        "avrobust",
        f"{GITHUB}/sarthaxxxxx/AV-C-Robustness-Benchmark",
        "83fda5c",
        avrobust,
        AVROBUST,
        {"frost": "its pictures are read from the disk again for each image", "crowd": "as frost"},
    ),
    Original(
        "optics-bench-iccvw",
        f"{GITHUB}/PatMue/classification_robustness",
        "0cc3f69",
        optics_bench,
        OPTICS,
        dict.fromkeys(("defocus_spherical", "astigmatism", "coma", "trefoil"), DRAWN),
        textures=".",
    ),
    Original(
        "geirhos-2018",
        f"{GITHUB}/rgeirhos/generalisation-humans-DNNs",
        "0b88343",
        geirhos,
        (
            *("greyscale", "contrast", "uniform_noise", "salt_and_pepper", "low_pass", "high_pass"),
            *("phase_scrambling", "power_equalisation", "rotation", "false_colour"),
        ),
        textures="code",
    ),
    Original(
        "imagenet-3dcc",
        f"{GITHUB}/EPFL-VILAB/3DCommonCorruptions",
        "4fc007b",
        three_dcc,
        ("near_focus", "far_focus", "fog_3d", "flash", "color_quant", "low_light", "iso_noise"),
        inputs={"near_focus": "depth", "far_focus": "depth", "fog_3d": "depth", "flash": "reshading"},
        shared={"near_focus": 2, "far_focus": 2},
    ),
    Original(
        "laion-c",
        f"{GITHUB}/FanfeiLi/LAION-C",
        "3c6cad5",
        laion_c,
        ("geometric_shapes", "vertical_lines", "luminance_checkerboard", "glitched", "stickers"),
        {"mosaic": "its function writes files"},
    ),
    Original(
        "augmix-operations",
        f"{GITHUB}/google-research/augmix",
        "9b9824c",
        augmix,
        (
            *("autocontrast", "equalize", "posterize", "rotate", "solarize", "shear_x", "shear_y"),
            *("translate_x", "translate_y", "color", "contrast", "brightness", "sharpness"),
        ),
    ),
    Original(
        "prime-primitives",
        f"{GITHUB}/amodas/PRIME-augmentations",
        "0290f6b",
        prime,
        ("random_filter", "diffeo", "smooth_color"),
    ),
)
