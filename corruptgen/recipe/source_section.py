"""The [source] section of a recipe: which kind of source, where it is, and which of its items."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from corruptgen.errors import RecipeError, unknown
from corruptgen.recipe.checks import Check, address, names_by, one_of, text, whole
from corruptgen.values.addresses import last_part

# Words that say where labels come from; anything else is the path of a file that lists them.
FOLDERS, METADATA, NONE = "folders", "metadata", "none"
# Keys that hold the path of a file: only its name is recorded.
FILES = ("labels", "classes", "subset")
# Keys that hold a path of this machine and are never recorded.
LOCAL = ("path", "annotations", "masks")
# Keys that decide no pixel: what may be done with the images and whom to thank for them.
TERMS = ("license", "license_name", "license_link", "citation")
OTHER = "other"
# How the names of mask files may end; those of the output are PNG.
MASK_KINDS = (".png", ".tif", ".tiff", ".gif", ".nii.gz", ".nii")
# The kinds whose images are files of their own.
OF_FILES = ("coco", "folder", "hub", "webdataset")


@dataclass(frozen=True)
class SourceChoice:
    """Where the clean images are, and which of them are wanted."""

    kind: str
    path: str | None = None
    """None: the caller says where; never recorded."""
    labels: str | None = None
    """Where labels come from: a word of the kind, or the path of a file that lists them."""
    classes: str | None = None
    """A file with the names of the classes in the order of their numbers."""
    columns: tuple[tuple[str, str], ...] = ()
    """What the source calls its parts, by what they are to us: image, label, id, file."""
    split: str | None = None
    repo: str | None = None
    revision: str | None = None
    config: str | None = None
    limit: int | None = None
    """The first n items, in the order of the source."""
    subset: str | None = None
    """A file with the ids of the wanted items, one in each line."""
    sample: int | None = None
    """A number of items chosen by the digests of their ids; of each class, with `per`."""
    per: str | None = None
    annotations: str | None = None
    """Of "coco": the file that lists the images and what is on them; never recorded."""
    masks: str | None = None
    """The folder of label masks; never recorded."""
    annotated_as: str | None = None
    """What annotations and masks are for: images as they are "stored", or "upright" as their EXIF orientation asks."""
    keep_keys: tuple[str, ...] = ()
    """Keys of annotations that hold no coordinates, whatever they look like."""
    mask_suffix: tuple[str, ...] | None = None
    """How the name of an image ends, and how those of its masks do instead; None: as the image, but for the format."""
    license: str | None = None
    """Of the clean images, as the Hub calls it, such as "cc-by-4.0"."""
    license_name: str | None = None
    """What a license that the Hub has no name for is called."""
    license_link: str | None = None
    """Where that is written down."""
    citation: str | None = None
    """BibTeX, or in words."""

    @property
    def mask_endings(self) -> tuple[str, ...] | None:
        """How names of images and of masks end, None if there are no masks; an empty ending is that of any image."""
        return self.mask_suffix or (None if self.masks is None else ("", ".png"))

    @property
    def is_selective(self) -> bool:
        """Whether only some of the source's items are wanted."""
        return any((self.limit, self.subset, self.sample))

    @property
    def holds_files(self) -> bool:
        """Whether its images are files, which say themselves whether they are grey; else they are arrays."""
        return self.kind in OF_FILES

    @property
    def names(self) -> dict[str, str]:
        """The columns as a mapping."""
        return dict(self.columns)

    def content(self) -> dict[str, Any]:
        """Return the section in plain values, without local paths; only what was chosen."""
        given = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in LOCAL and getattr(self, f.name)}
        shortened = {key: last_part(given[key].replace("\\", "/")) for key in FILES if key in given}
        masks = {"mask_suffix": list(self.mask_endings)} if self.mask_endings else {}
        kept = {"keep_keys": list(self.keep_keys)} if self.keep_keys else {}
        return given | shortened | ({"columns": self.names} if self.columns else {}) | masks | kept


def _endings(value: Any) -> tuple[str, ...]:
    texts = value if isinstance(value, list) and all(isinstance(text, str) for text in value) else []
    kinds = [next((kind for kind in MASK_KINDS if text.endswith(kind)), "") for text in texts[1:]]
    if not kinds or not all(kinds) or any("/" in text for text in texts[1:]):
        raise ValueError(
            'a list of an ending of images and of those of masks, ["_leftImg8bit.png", "_labelIds.png"], each a '
            f"{', '.join(MASK_KINDS)}"
        )
    stems = [text.removesuffix(kind) for text, kind in zip(texts[1:], kinds, strict=True)]
    if len(set(stems)) < len(stems):
        raise ValueError("endings of masks that differ in more than their format, since the output has all as PNG")
    return tuple(texts)


def _keys(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(key, str) and key for key in value):
        raise ValueError('a list of keys of annotations, such as ["attributes.angle"]')
    return tuple(value)


_MASKS: Mapping[str, Check] = {
    "masks": address,
    "mask_suffix": _endings,
    "annotated_as": one_of("stored", "upright"),
}
_SELECTION: Mapping[str, Check] = {
    "limit": whole(1),
    "subset": address,
    "sample": whole(1),
    "per": one_of("class"),
}
_TERMS: Mapping[str, Check] = dict.fromkeys(TERMS, text)
KEYS: Mapping[str, Mapping[str, Check]] = {
    "folder": {"labels": address, "classes": address, "columns": names_by("file", "label"), **_MASKS},
    "coco": {"annotations": address, "keep_keys": _keys, **_MASKS},
    "npz": {"split": text, "classes": address, "columns": names_by("image", "label")},
    "npy": {"split": text, "labels": address, "classes": address},
    "cifar": {"split": one_of("train", "test"), "labels": one_of("fine", "coarse")},
    "mnist": {"split": one_of("train", "test"), "config": text, "classes": text},
    "hub": {
        "repo": text,
        "revision": text,
        "config": text,
        "split": text,
        "columns": names_by("image", "label", "id"),
    },
    "webdataset": {"classes": address, "columns": names_by("image", "label")},
}


def read_source_section(content: Any, place: str) -> SourceChoice:
    """Make the choice of the plain values of a recipe's section.

    Parameters
    ----------
    content : object
        The section.
    place : str
        What to call it in messages.

    Raises
    ------
    RecipeError
        If a key is missing, unknown, of another kind of source, or has a wrong value.
    """
    if not isinstance(content, Mapping):
        raise RecipeError(f"{place}: found {content!r}, allowed is a section of keys")
    if "kind" not in content:
        raise RecipeError(f"{place}: the key 'kind' is missing")
    checks: dict[str, Check] = {"kind": one_of(*KEYS)}
    values: dict[str, Any] = {"kind": _value(content, "kind", checks, place)}
    checks |= {"path": address, **KEYS[values["kind"]], **_SELECTION, **_TERMS}
    for key in content:
        if key not in checks:
            raise RecipeError(f"{place} {key}: " + _objection(key, values["kind"], checks))
        values[key] = _value(content, key, checks, place)
    choice = SourceChoice(**values)
    _check_together(choice, place)
    return choice


def _value(content: Mapping[str, Any], key: str, checks: Mapping[str, Check], place: str) -> Any:
    try:
        return checks[key](content[key])
    except (ValueError, TypeError) as error:
        raise RecipeError(f"{place} {key}: found {content[key]!r}, allowed is {error}") from None


def _objection(key: str, kind: str, checks: Mapping[str, Check]) -> str:
    others = [f'"{name}"' for name, keys in KEYS.items() if key in keys]
    if others:
        allowed = ", ".join(sorted(checks))
        return f'is a key of kind = {" or ".join(others)}; the keys of kind = "{kind}" are {allowed}'
    return unknown("key", key, checks)


def _check_together(choice: SourceChoice, place: str) -> None:
    """Refuse keys that contradict or need each other."""
    if choice.per and not choice.sample:
        raise RecipeError(f"{place} per: needs sample = N, the number of items of each class")
    named = choice.license_name, choice.license_link
    if choice.license == OTHER and not all(named):
        raise RecipeError(f'{place} license: "other" needs license_name, and license_link to where it is written down')
    if choice.license != OTHER and any(named):
        raise RecipeError(f'{place} license_name: goes with license = "other"; the Hub knows the others by their names')
    if choice.kind != "hub":
        return
    if choice.repo and choice.path:
        raise RecipeError(f"{place}: has both repo and path; take one: repo on the Hub, or path on this machine")
    if choice.repo and not choice.revision:
        raise RecipeError(
            f"{place} revision: is missing; pin the repository to a commit (40 hexadecimal digits) or a tag, "
            "so that the dataset stays the same"
        )
    if choice.repo and not choice.split:
        raise RecipeError(f'{place} split: is missing; choose which split of {choice.repo}, such as split = "test"')
    if choice.revision and not choice.repo and choice.path:
        raise RecipeError(f"{place} revision: belongs to repo; a path has none")
