"""Coordinates in annotations: which keys may hold some that are not known here, and so would stay where they are."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# What is moved, and what says nothing about places in the image.
KNOWN = frozenset(
    {"id", "image_id", "category_id", "iscrowd", "area", "bbox", "segmentation", "keypoints", "num_keypoints"}
)
HARMLESS = frozenset({"score", "ignore", "caption", "caption_id", "track_id", "instance_id", "difficult", "truncated"})
# Words that name coordinates, alone or as parts of a name, even where the value is one number or a text.
WORDS = frozenset(
    """
    angle angles bbox bboxes bottom box boxes center centers centre centroid contour contours coord coordinate
    coordinates coords corner corners cuboid cx cy dp ellipse fbox geometry hbox height joint joints keypoint
    keypoints kp kps kpt kpts landmark landmarks lane lanes left line lines mask masks obb orientation outline
    pitch point points poly polygon polygons polyline polylines pos position quad radius rbox rect rectangle right
    rle roi roll rot rotation segment segments shape shapes skeleton theta top vbox vertex vertices width x xc xmax
    xmin xs y yaw yc ymax ymin ys z
    """.split()  # noqa: SIM905
)
# Lists of numbers that are names of things, not places.
NAMES = re.compile(r"(.*_)?(ids?|labels?|classes|categories|tags|scores?|colou?rs?|rgb|embedding|attributes)")
# The meaning of `bbox` in detectron2 (1 is XYWH_ABS); COCO's own is the only one that is known here.
COCOS_MODES = (1, "1", "XYWH_ABS", "xywh_abs", "XYWH", "xywh")
BOX = 4  # numbers


def strange_keys(annotation: Mapping[str, Any], kept: Sequence[str] = ()) -> list[str]:
    """List the keys of an annotation that may hold coordinates and are not known, those of mappings in it with dots.

    Parameters
    ----------
    annotation : mapping of str to object
        As COCO has it.
    kept : sequence of str
        Keys that are known to hold none.
    """
    found = [] if annotation.keys() <= KNOWN else list(dict.fromkeys(_strange(annotation, "", frozenset(kept))))
    box = annotation.get("bbox")
    if isinstance(box, Sequence) and not isinstance(box, str) and len(box) > BOX:
        found.append(f"bbox (of {len(box)} numbers)")
    return found


def _strange(values: Mapping[Any, Any], prefix: str, kept: frozenset[str]) -> Iterator[str]:
    for key, value in values.items():
        name = f"{prefix}{key}"
        is_known = not prefix and key in KNOWN | HARMLESS
        if not is_known and name not in kept and str(key) not in kept:
            yield from _within(str(key), value, name, kept)


def _within(key: str, value: Any, name: str, kept: frozenset[str]) -> Iterator[str]:
    """Name a key, or the keys in its value, that may hold coordinates."""
    if value is None or isinstance(value, bool):
        return
    if key == "bbox_mode":
        if value not in COCOS_MODES:
            yield name
        return
    is_named = not WORDS.isdisjoint(_words(key)) and not NAMES.fullmatch(key.lower())
    inner = list(_mappings(value))
    if inner and not is_named:
        for one in inner:
            yield from _strange(one, f"{name}.", kept)
        return
    if isinstance(value, int | float | str):
        is_strange = is_named and not (isinstance(value, str) and not any(c.isdigit() for c in value))
    else:
        is_strange = bool(value) and (is_named or (_numbers(value) > 1 and not NAMES.fullmatch(key.lower())))
    if is_strange:
        yield name


def _mappings(value: Any) -> Iterator[Mapping[Any, Any]]:
    if isinstance(value, Mapping):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _mappings(one)


def _numbers(value: Any) -> int:
    """Count the numbers in a list, and in those in it."""
    if isinstance(value, list):
        return sum(map(_numbers, value))
    return int(isinstance(value, int | float) and not isinstance(value, bool))


def _words(key: str) -> list[str]:
    """Take a name apart: `lefthand_kpts`, `faceBox`, `x1`, `dp_masks`."""
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", key)
    return [part.lower() for part in parts]
