"""What belongs to a picture, such as boxes, points and masks, moves with its pixels."""

import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.declare import Warp
from corruptgen.errors import ImageError
from corruptgen.sources.label_masks import move_labels
from corruptgen.targets.outlines import bendable, rectangle

SPACING = 4.0  # pixels at most between the points of an outline that is bent
# What torchvision calls the things that move with the pixels.
BOXES, POINTS, MASK = "BoundingBoxes", "KeyPoints", "Mask"
# How its boxes may be written so that they stay upright.
UPRIGHT = ("XYXY", "XYWH", "CXCYWH")
# What datasets usually call plain numbers and pictures that would have to move as well.
COORDINATES = frozenset(
    {
        *("box", "boxes", "bbox", "bboxes", "bounding_box", "bounding_boxes"),
        *("mask", "masks", "segmentation", "segmentation_mask", "annotation_mask", "instance_mask", "semantic_mask"),
        *("keypoint", "keypoints", "points", "landmarks", "polygon", "polygons"),
    }
)


@dataclass(frozen=True)
class Motion:
    """How what is on a picture of (height, width) `size` moves."""

    warp: Warp
    size: tuple[int, int]

    def boxes(self, boxes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Move (N, 4) boxes of left, top, right, bottom, each to the upright box around its moved outline."""
        height, width = self.size
        moved = np.empty((len(boxes), 4))
        for number, (left, top, right, bottom) in enumerate(boxes):
            # Outlines count from the corner of the first pixel, warps from its centre.
            points = self.warp.arrivals(bendable(rectangle(top, left, bottom, right), SPACING) - 0.5) + 0.5
            ends = np.clip([points.min(axis=0), points.max(axis=0)], 0, (height, width))
            moved[number] = ends[:, ::-1].ravel()
        return moved

    def points(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Move (N, 2) points, each a column and a row, from the centre of the first pixel."""
        return self.warp.arrivals(points[:, ::-1])[:, ::-1]

    def masks(self, masks: NDArray[Any]) -> NDArray[Any]:
        """Move (..., H, W) label masks: each pixel takes the label nearest to where it comes from."""
        if masks.shape[-2:] != self.size:
            found, wanted = (f"{height}×{width}" for height, width in (masks.shape[-2:], self.size))
            raise ImageError(f"a mask is {found} pixels and its picture {wanted}; they must be of one size")
        layers = np.moveaxis(masks.reshape(-1, *self.size), 0, -1)
        return np.moveaxis(move_labels(layers, self.warp), -1, 0).reshape(masks.shape)


def check_movable(thing: Any) -> None:
    """Raise `ImageError` if something that belongs to a picture would have to move with it and cannot.

    That are oriented boxes of torchvision, and plain values under the usual names of boxes, masks and points.
    """
    if (kind := _kind(thing)) is not None:
        form = getattr(getattr(thing, "format", None), "name", "XYXY")
        if kind == BOXES and form not in UPRIGHT:
            raise ImageError(f"boxes of the format {form} do not move with the pixels; {_advice(', '.join(UPRIGHT))}")
    elif isinstance(thing, Mapping):
        for name, value in thing.items():
            if isinstance(name, str) and name.lower() in COORDINATES and _kind(value) is None and value is not None:
                raise ImageError(
                    f"{name!r} came with the picture as a {type(value).__name__}, which does not move with the pixels; "
                    + _advice("torchvision.tv_tensors")
                )
            check_movable(value)
    elif isinstance(thing, list | tuple):
        for value in thing:
            check_movable(value)


def check_inputs(preset: str, row: str, inputs: Collection[str]) -> None:
    """Raise `ImageError` if a row takes more than the picture, which data loaders do not have."""
    if inputs:
        raise ImageError(
            f"{row} of {preset} needs {' and '.join(sorted(inputs))} beside the picture, which a data loader does not "
            "pass on; corruptgen.corrupt(..., inputs={...}) takes it, or name other rows"
        )


def check_uncropped(thing: Any, row: str) -> None:
    """Raise `ImageError` if something belongs to a picture that would have to follow a row which crops or resizes."""
    if has_targets(thing):
        raise ImageError(
            f"{row} crops or resizes pictures, which boxes, points and masks do not follow; take a table that takes "
            "images as they are, or leave them out"
        )
    try:
        check_movable(thing)
    except ImageError as error:
        raise ImageError(f"{row} crops or resizes pictures: {error}") from None


def check_columns(features: Any, image: str, row: str, place: str = "") -> None:
    """Raise `ImageError` if a dataset of the library `datasets` has columns that would have to move with its images.

    That are other images, which are masks most often, and columns with the usual names of boxes, masks and points.
    """
    parts = features.items() if isinstance(features, Mapping) else [("", getattr(features, "feature", None))]
    for name, feature in parts:
        if feature is None or (not place and name == image):
            continue
        inner = f"{place}.{name}" if place and name else place or name
        if name.lower() in COORDINATES or type(feature).__name__ == "Image":
            raise ImageError(
                f"{row} moves pixels, and the column {inner!r} would have to move with them; choose another row, or "
                f"take the column away with remove_columns({inner.partition('.')[0]!r})"
            )
        check_columns(feature, image, row, inner)


def move_targets(thing: Any, motion: Motion) -> Any:
    """Move what torchvision marks as boxes, points and masks; all else is returned unchanged."""
    if (kind := _kind(thing)) is not None:
        return _moved(thing, kind, motion)
    if isinstance(thing, Mapping):
        moved = {name: move_targets(value, motion) for name, value in thing.items()}
        return type(thing)(moved)  # type: ignore[call-arg]  # as dict and its kin take it, which Mapping does not promise
    if isinstance(thing, list | tuple):
        parts = [move_targets(value, motion) for value in thing]
        return type(thing)(*parts) if hasattr(thing, "_fields") else type(thing)(parts)
    return thing


def has_targets(thing: Any) -> bool:
    """Check whether torchvision marks something in here as boxes, points or masks."""
    if isinstance(thing, Mapping):
        return any(map(has_targets, thing.values()))
    if isinstance(thing, list | tuple):
        return any(map(has_targets, thing))
    return _kind(thing) is not None


def _kind(thing: Any) -> str | None:
    """Name the kind of a target of torchvision; None for anything else, and where torchvision is not in use."""
    if "torchvision.tv_tensors" not in sys.modules:
        return None
    name = type(thing).__name__
    return name if name in (BOXES, POINTS, MASK) and type(thing).__module__.startswith("torchvision.") else None


def _moved(target: Any, kind: str, motion: Motion) -> Any:
    size = tuple(getattr(target, "canvas_size", motion.size))
    if size != motion.size:
        found, wanted = (f"{height}×{width}" for height, width in (size, motion.size))
        raise ImageError(f"the {kind} are of a picture of {found} pixels, and this one has {wanted}")
    numbers = target.detach().cpu().numpy()
    change: Callable[[NDArray[Any]], NDArray[Any]] = {BOXES: motion.boxes, POINTS: motion.points, MASK: motion.masks}[
        kind
    ]
    if kind == MASK:
        moved = change(numbers)
    else:
        form = getattr(getattr(target, "format", None), "name", "XYXY") if kind == BOXES else ""
        flat = numbers.reshape(-1, numbers.shape[-1]).astype(np.float64)
        moved = _written(change(_corners(flat, form)), form).reshape(numbers.shape)
        if not target.dtype.is_floating_point:
            moved = np.rint(moved)
    tensor = target.new_tensor(np.ascontiguousarray(moved)).to(target.dtype)
    return sys.modules["torchvision.tv_tensors"].wrap(tensor, like=target)


def _corners(boxes: NDArray[np.float64], form: str) -> NDArray[np.float64]:
    """Return boxes of any upright format as left, top, right, bottom."""
    if form == "XYWH":
        return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
    if form == "CXCYWH":
        return np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], axis=1)
    return boxes


def _written(boxes: NDArray[np.float64], form: str) -> NDArray[np.float64]:
    """Do the opposite of `_corners`."""
    if form == "XYWH":
        return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    if form == "CXCYWH":
        return np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], axis=1)
    return boxes


def _advice(allowed: str) -> str:
    return f"give {allowed}, or leave out the rows that move pixels"
