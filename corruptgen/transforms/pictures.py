"""Pictures of any kind become arrays of the corruptions and are put together again as what they were."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corruptgen.codecs.pixels import BYTE, SampleFormat, quantize
from corruptgen.declare import Pixels
from corruptgen.errors import ImageError
from corruptgen.transforms.workers import torch_if_loaded

Samples = NDArray[Any]

ALPHA_MODES = {"LA": "L", "RGBA": "RGB"}
MODES = ("L", "RGB", *ALPHA_MODES, "I;16")
CHANNELS = (1, 3)
FULL_SCALES = {"uint8": 255, "uint16": 65535, "float16": 1, "float32": 1, "float64": 1}
# Arithmetic in float32 rounds by less than this; what lies further outside of [0, 1] is no rounding error.
ROUNDING = 1e-6


@dataclass(frozen=True)
class Frames:
    """A picture, or a batch of them, taken apart."""

    frames: Sequence[Samples]
    """(H, W, 1) or (H, W, 3) samples of each."""
    form: SampleFormat
    is_batch: bool
    closed: Callable[[Sequence[Samples]], Any]
    """Puts changed frames together to what the picture was: same kind and type, and the shape of the frames."""
    alpha: Samples | None = None
    """The (H, W, 1) alpha channel of the only frame, 8 bits."""

    def closed_with(self, frames: Sequence[Samples], alpha: Samples) -> Any:
        """Put changed frames together as `closed` does, under a changed alpha channel."""
        result = self.closed(frames)
        result.putalpha(Image.fromarray(alpha[..., 0]))
        return result


def take_apart(image: Any, eight_bits: bool = True) -> Frames:
    """Take a picture apart.

    Parameters
    ----------
    image : object
        PIL image of mode L, RGB, LA, RGBA or I;16, whose alpha channel moves where the pixels do; array of shape (H,
        W), (H, W, C) or (N, H, W, C); torch tensor of shape (H, W), (C, H, W) or (N, C, H, W). Samples are uint8,
        uint16, or float in [0, 1].
    eight_bits : bool, default True
        Take float samples as the 8 bits that they came from.

    Raises
    ------
    ImageError
        If it is of another kind, type, shape or range; the message states what to do.
    """
    if isinstance(image, Image.Image):
        return _of_pil(image)
    if isinstance(image, np.ndarray):
        return _of_array(image, eight_bits)
    torch = torch_if_loaded()
    if torch is not None and isinstance(image, torch.Tensor):
        return _of_tensor(torch, image, eight_bits)
    raise ImageError(f"the image is a {type(image).__name__}; pass a PIL image, a numpy array or a torch tensor")


def _of_pil(image: Image.Image) -> Frames:
    if image.mode not in MODES:
        raise ImageError(f"the PIL image has mode {image.mode}; convert it to one of {', '.join(MODES)} first")
    opaque = image.convert(ALPHA_MODES[image.mode]) if image.mode in ALPHA_MODES else image
    samples = np.asarray(opaque)
    samples = samples[..., None] if samples.ndim == 2 else samples

    def closed(frames: Sequence[Samples]) -> Image.Image:
        result = Image.fromarray(frames[0][..., 0] if frames[0].shape[2] == 1 else frames[0])
        if image.mode in ALPHA_MODES:
            if result.size != image.size:
                raise ImageError(
                    f"the PIL image has mode {image.mode}, and its alpha channel does not follow a table that resizes "
                    "and crops; convert it to RGB first"
                )
            result.putalpha(image.getchannel("A"))
        return result

    alpha = np.asarray(image.getchannel("A"))[..., None] if image.mode in ALPHA_MODES else None
    return Frames([samples], _form(str(samples.dtype)), False, closed, alpha)


def _of_array(image: Samples, eight_bits: bool) -> Frames:
    form, layers = _form(str(image.dtype)), image[..., None] if image.ndim == 2 else image
    if layers.ndim not in (3, 4) or layers.shape[-1] not in CHANNELS or 0 in layers.shape:
        allowed = "(H, W), (H, W, 1), (H, W, 3) or a batch (N, H, W, C), none of them 0"
        raise ImageError(f"the image has shape {image.shape}; pass {allowed}")
    samples, used = _taken(layers, form, eight_bits)
    frames = list(samples) if layers.ndim == 4 else [samples]

    def closed(results: Sequence[Samples]) -> Samples:
        whole = _batch(results) if layers.ndim == 4 else results[0]
        restored = _given_back(whole, used, form)
        return restored[..., 0] if image.ndim == 2 else restored

    return Frames(frames, used, layers.ndim == 4, closed)


def _of_tensor(torch: Any, image: Any, eight_bits: bool) -> Frames:
    name = str(image.dtype).removeprefix("torch.")
    form = _form("float32" if name == "bfloat16" else name)
    shape = tuple(image.shape)
    planes = image.detach().cpu().to(getattr(torch, form.dtype)).numpy()
    planes = planes[None] if planes.ndim == 2 else planes
    if planes.ndim not in (3, 4) or planes.shape[-3] not in CHANNELS or 0 in planes.shape:
        allowed = "(H, W), (1, H, W), (3, H, W) or a batch (N, C, H, W), none of them 0"
        raise ImageError(f"the tensor has shape {shape}; pass {allowed}")
    samples, used = _taken(planes, form, eight_bits)
    is_batch = planes.ndim == 4

    def closed(results: Sequence[Samples]) -> Any:
        whole = _batch([_planes(result) for result in results]) if is_batch else _planes(results[0])
        restored = _given_back(whole, used, form)
        tensor = torch.from_numpy(restored[0] if len(shape) == 2 else restored).to(image.device, image.dtype)
        # The pictures of torchvision's second version are a kind of tensors of their own.
        return tensor if type(image) is torch.Tensor else tensor.as_subclass(type(image))

    return Frames([_layers(frame) for frame in samples] if is_batch else [_layers(samples)], used, is_batch, closed)


def _batch(results: Sequence[Samples]) -> Samples:
    """Put the images of a batch together again."""
    if len({result.shape for result in results}) > 1:
        raise ImageError(
            "the images of the batch have become images of several sizes, which no array can hold; pass them one by one"
        )
    return np.stack(results)


def _form(dtype: str) -> SampleFormat:
    if dtype not in FULL_SCALES:
        raise ImageError(f"the image has samples of type {dtype}; pass uint8, uint16, or float in [0, 1]")
    return SampleFormat(dtype, FULL_SCALES[dtype])


def _taken(samples: Samples, form: SampleFormat, eight_bits: bool) -> tuple[Samples, SampleFormat]:
    """Return the samples that corruptions take for those of a picture, and how they are stored."""
    if form.full_scale != 1:
        return samples, form
    lowest, highest = float(samples.min()), float(samples.max())
    if not (lowest >= -ROUNDING and highest <= 1 + ROUNDING):
        raise ImageError(
            f"the image has float samples from {lowest:.7g} to {highest:.7g}; pass [0, 1]: corrupt before you "
            "normalise, and clip what a resize has overshot"
        )
    wide = samples.astype(np.float32) if form.dtype == "float16" else samples
    if eight_bits:
        return quantize(wide, Pixels.UNIT, BYTE, "round"), BYTE
    return wide.clip(0, 1), SampleFormat(str(wide.dtype), 1)


def _given_back(samples: Samples, used: SampleFormat, form: SampleFormat) -> Samples:
    if used == form:
        return samples
    if used == BYTE:
        dtype = np.float64 if form.dtype == "float64" else np.float32
        return np.divide(samples, 255, dtype=dtype).astype(form.dtype, copy=False)
    return samples.astype(form.dtype)


def _layers(planes: Samples) -> Samples:
    """Return (C, H, W) as (H, W, C)."""
    return planes[0][..., None] if len(planes) == 1 else np.asarray(cv2.merge(list(planes)))


def _planes(layers: Samples) -> Samples:
    """Return (H, W, C) as (C, H, W)."""
    planes = np.empty((layers.shape[2], *layers.shape[:2]), layers.dtype)
    cv2.split(np.ascontiguousarray(layers), list(planes))
    return planes
