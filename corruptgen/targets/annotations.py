"""Annotations of objects, as COCO has them, moved with their image: boxes, polygons, run lengths, keypoints."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corruptgen.codecs.geometry import Placement, placement
from corruptgen.codecs.orientations import STORED, turn_picture, turn_points, turn_size
from corruptgen.declare import Warp
from corruptgen.errors import Rejected
from corruptgen.ops.warp import Shift
from corruptgen.ops.windows import bounding_box
from corruptgen.records import Decoding
from corruptgen.sources.label_masks import LabelMask
from corruptgen.targets import run_lengths
from corruptgen.targets.coordinates import strange_keys
from corruptgen.targets.outlines import Outline, area, bendable, clip_outline, rectangle

DECIMALS = 2  # of a pixel, as COCO has them
LONGEST_REASON = 160
SPACING = 4.0  # pixels at most between the points of an outline that is bent


@dataclass(frozen=True)
class DecodedMotion:
    """How what is on an image moves: with the decoding of the image, then with a warp and what crops the result."""

    height: int
    """Of the image before."""
    width: int
    decoding: Decoding
    warp: Warp | None = None
    turn: int = STORED
    """The EXIF orientation by which it is turned first."""
    kept: tuple[str, ...] = ()
    """Keys of annotations that hold no coordinates, whatever they look like."""
    prepared: tuple[Decoding, ...] = ()
    """What the severity table does to the decoded image before the warp moves it, if it makes images of pictures."""
    cropped: tuple[Decoding, ...] = ()
    """What it does after that."""

    @property
    def turned(self) -> tuple[int, int]:
        """Height and width once it is turned."""
        return turn_size(self.height, self.width, self.turn)

    @property
    def place(self) -> Placement:
        """Where the points of the turned image are before the warp."""
        return placement(*self.turned, self.decoding, *self.prepared)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the image that is made."""
        made = placement(self.place.height, self.place.width, *self.cropped)
        return made.height, made.width

    @property
    def is_rigid(self) -> bool:
        """Whether nothing is scaled, bent or cut off."""
        return self.warp is None and self.place == Placement(*self.turned) and self.size == self.turned

    @property
    def is_still(self) -> bool:
        """Whether nothing moves and nothing is cut off."""
        return self.turn == STORED and self.is_rigid

    def points(self, before: Outline) -> Outline:
        """Move points as the decoding does."""
        return self.place.placed(turn_points(before, self.height, self.width, self.turn))

    def outlines(self, before: Outline) -> list[Outline]:
        """Move an outline and cut off what leaves the image: nothing may be left, or several parts."""
        place = self.place
        inside = clip_outline(self.points(before), place.height, place.width)
        if not len(inside):
            return []
        if isinstance(self.warp, Shift):
            parts = [clip_outline(copy, place.height, place.width) for copy in self.warp.copies(inside)]
        elif self.warp is not None:
            # Outlines count from the corner of the first pixel, warps from its centre.
            parts = [self.warp.arrivals(bendable(inside, SPACING) - 0.5) + 0.5]
            if self._leaves_nothing:
                parts = [clip_outline(parts[0], place.height, place.width)]
        else:
            parts = [inside]
        if self.cropped:
            after = placement(place.height, place.width, *self.cropped)
            parts = [clip_outline(after.placed(part), after.height, after.width) for part in parts]
        return [part for part in parts if len(part)]

    def point(self, before: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Move one point; None if it leaves the image."""
        place = self.place
        point = self.points(before)
        if not _is_within(point, place):
            return None
        if self.warp is not None:
            point = self.warp.arrivals(point - 0.5) + 0.5
        if self._leaves_nothing and not _is_within(point, place):
            return None
        if not self.cropped:
            return point
        after = placement(place.height, place.width, *self.cropped)
        point = after.placed(point)
        return point if _is_within(point, after) else None

    @property
    def _leaves_nothing(self) -> bool:
        """Whether the warp leaves nothing where it looks beyond the image, instead of mirroring what is there."""
        return getattr(self.warp, "outside", None) is not None

    def mask(self, before: run_lengths.Mask) -> run_lengths.Mask:
        """Move the mask of one object; its mirror images, where the image is continued by them, are not part of it."""
        mask = LabelMask(turn_picture(Image.fromarray(before.astype(np.uint8)), self.turn))
        return np.asarray(self.fitted(mask, outside=0).image).astype(bool)

    def fitted(self, mask: LabelMask, outside: int | None = None) -> LabelMask:
        """Move a label mask that is turned already; `outside` is as `move_labels` has it."""
        for step in (self.decoding, *self.prepared):
            mask = mask.fitted(step)
        if self.warp is not None:
            mask = mask.warped(self.warp, outside)
        for step in self.cropped:
            mask = mask.fitted(step)
        return mask


def move_annotation(annotation: Mapping[str, Any], motion: DecodedMotion) -> dict[str, Any] | None:
    """Move an annotation: return the entries that change, or None if nothing of the object is left in the image.

    Box and area are those of the moved segmentation; without one, the box is that of its own moved outline, and the
    area changes as the box does. Parts of a segmentation that are no area (of less than three points) are left out.
    Where the image is only turned, box and area stay those of the annotation.

    Raises
    ------
    Rejected
        If it cannot be understood, or holds coordinates that nothing is known about.
    """
    if motion.is_still:
        return {}
    if strange := strange_keys(annotation, motion.kept):
        raise Rejected(
            f"has an annotation, id {str(annotation.get('id'))[:20]!r}, with coordinates that cannot be moved: "
            + ", ".join(strange)
        )
    segmentation = annotation.get("segmentation")
    try:
        changes: dict[str, Any] | None = {}
        if isinstance(segmentation, Mapping):
            changes = _moved_run_lengths(segmentation, motion)
        elif polygons := [part for part in segmentation or () if not _is_degenerate(part)]:
            changes = _moved_polygons(polygons, motion)
        elif annotation.get("bbox"):
            changes = _moved_box(annotation, motion)
        if motion.is_rigid and changes is not None:
            changes = _turned(annotation, changes, motion)
        if changes is not None and segmentation and "segmentation" not in changes:
            changes["segmentation"] = []
        if changes is not None and annotation.get("keypoints"):
            changes |= _moved_keypoints(annotation["keypoints"], motion)
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        reason = " ".join(str(error).split())[:LONGEST_REASON]
        raise Rejected(
            f"has an annotation, id {str(annotation.get('id'))[:20]!r}, that cannot be moved: {reason}"
        ) from error
    return None if changes is None else {key: value for key, value in changes.items() if key in annotation}


def _turned(annotation: Mapping[str, Any], changes: Mapping[str, Any], motion: DecodedMotion) -> dict[str, Any]:
    """Take box and area from the annotation itself, since nothing but their place changes."""
    own = {key: value for key, value in changes.items() if key not in ("bbox", "area")}
    if not annotation.get("bbox"):
        return own
    left, top, width, height = (_number(value) for value in annotation["bbox"])
    box = _bounds(motion.points(rectangle(top, left, top + height, left + width)))
    is_whole = all(type(value) is int for value in annotation["bbox"])
    return own | {"bbox": [int(value) for value in box] if is_whole else box}


def _is_within(point: NDArray[np.float64], place: Placement) -> bool:
    return bool(((point >= 0) & (point <= (place.height, place.width))).all())


def _is_degenerate(part: Any) -> bool:
    """Check whether a part of a segmentation is nothing, a point or a line."""
    return part is None or (isinstance(part, Sequence) and not isinstance(part, str) and len(part) in (0, 2, 4))


def _moved_polygons(segmentation: Any, motion: DecodedMotion) -> dict[str, Any] | None:
    outlines = [outline for polygon in segmentation for outline in motion.outlines(_points(polygon))]
    left = [outline for outline in outlines if round(area(outline), DECIMALS) > 0]
    if not left:
        return None
    return {
        "segmentation": [_rounded(outline[:, ::-1].ravel()) for outline in left],
        "bbox": _bounds(np.concatenate(left)),
        "area": round(sum(map(area, left)), DECIMALS),
    }


def _moved_run_lengths(segmentation: Mapping[str, Any], motion: DecodedMotion) -> dict[str, Any] | None:
    counts, size = segmentation["counts"], [motion.height, motion.width]
    if list(segmentation["size"]) != size:
        raise ValueError(f"its run lengths are for {segmentation['size']}, the image has {size}")
    as_text = isinstance(counts, str)
    lengths = run_lengths.counts_of(counts) if as_text else counts
    mask = motion.mask(run_lengths.mask(lengths, motion.height, motion.width))
    if not mask.any():
        return None
    after = run_lengths.counts(mask)
    rows, columns = bounding_box(mask)
    return {
        "segmentation": {"size": list(mask.shape), "counts": run_lengths.to_text(after) if as_text else after},
        "bbox": [columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start],
        "area": int(mask.sum()),
    }


def _moved_box(annotation: Mapping[str, Any], motion: DecodedMotion) -> dict[str, Any] | None:
    left, top, width, height = (_number(value) for value in annotation["bbox"])
    upper, lower = max(top, 0.0), min(top + height, float(motion.height))
    first, last = max(left, 0.0), min(left + width, float(motion.width))
    if first >= last or upper >= lower:
        return None
    boxes = [_bounds(outline) for outline in motion.outlines(rectangle(upper, first, lower, last))]
    boxes = [box for box in boxes if min(box[2:]) > 0]
    if not boxes:
        return None
    own = annotation.get("area")
    covered = 1.0 if own is None else _number(own) / (width * height)
    corners = np.array([[left, top, left + across, top + down] for left, top, across, down in boxes])
    (left, top), (right, bottom) = corners[:, :2].min(axis=0), corners[:, 2:].max(axis=0)
    box = boxes[0] if len(boxes) == 1 else _rounded(np.array([left, top, right - left, bottom - top]))
    # Of an object on both sides of the image, the box has the gap between them, and the area has not.
    return {"bbox": box, "area": round(covered * sum(across * down for *_, across, down in boxes), DECIMALS)}


def _moved_keypoints(keypoints: Sequence[Any], motion: DecodedMotion) -> dict[str, Any]:
    """Move keypoints, three numbers each: x, y and whether it is labelled; what leaves the image no longer is."""
    triples = np.array([_number(value) for value in keypoints], np.float64).reshape(-1, 3)
    after: list[float] = []
    for x, y, labelled in triples:
        point = motion.point(np.array([[y, x]]) + 0.5) if labelled > 0 else None
        after += [0, 0, 0] if point is None else [*_rounded((point - 0.5)[0, ::-1]), int(labelled)]
    return {"keypoints": after, "num_keypoints": sum(visible > 0 for visible in after[2::3])}


def _points(polygon: Any) -> Outline:
    numbers = np.array([_number(value) for value in polygon], np.float64)
    if len(numbers) < 6 or len(numbers) % 2:
        raise ValueError(f"a polygon of {len(numbers)} numbers; three points or more are needed")
    return numbers.reshape(-1, 2)[:, ::-1]


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"found {value!r} where a number is needed")
    return float(value)


def _bounds(outline: Outline) -> list[float]:
    """Return the box of an outline as COCO has it: left, top, width, height."""
    (top, left), (bottom, right) = outline.min(axis=0), outline.max(axis=0)
    return _rounded(np.array([left, top, right - left, bottom - top]))


def _rounded(numbers: NDArray[np.float64]) -> list[float]:
    return [round(float(number), DECIMALS) + 0.0 for number in numbers]
