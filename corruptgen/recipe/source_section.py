"""The [source] section of a recipe: which kind of source, where it is, and which of its items."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from corruptgen.errors import DeclarationError, RecipeError, unknown
from corruptgen.recipe.checks import Check, address, name_in, one_of, text, whole
from corruptgen.recipe.declarations import KINDS, Key, SourceKind, recorded
from corruptgen.recipe.input_choice import DONORS, PLANES, PlaneChoice, other_planes, plane_choice
from corruptgen.values.addresses import last_part

# Words that say where labels come from; anything else is the path of a file that lists them.
FOLDERS, METADATA, NONE = "folders", "metadata", "none"
# Keys that decide no pixel: what may be done with the images and whom to thank for them.
TERMS = ("license", "license_name", "license_link", "citation")
OTHER = "other"
# How the names of mask files may end; those of the output are PNG.
MASK_KINDS = (".png", ".tif", ".tiff", ".gif", ".nii.gz", ".nii")
# The order in which a manifest has the keys; those of plug-ins come after "kind".
ORDER = (
    *("kind", "", "labels", "classes", "columns", "split", "repo", "revision", "config", "limit", "subset", "sample"),
    *("per", "annotated_as", "keep_keys", "mask_suffix", "planes", "donors", *TERMS),
)


@dataclass(frozen=True)
class SourceChoice:
    """Where the clean images are, and which of them are wanted."""

    kind: str
    path: str | None = None
    """None: the caller says where; never recorded."""
    options: tuple[tuple[str, Any], ...] = ()
    """The keys of the kind, such as `labels` or `split`, and their values, sorted."""
    limit: int | None = None
    """The first n items, in the order of the source."""
    subset: str | None = None
    """A file with the ids of the wanted items, one in each line."""
    sample: int | None = None
    """A number of items chosen by the digests of their ids; of each class, with `per`."""
    per: str | None = None
    license: str | None = None
    """Of the clean images, as the Hub calls it, such as "cc-by-4.0"."""
    license_name: str | None = None
    """What a license that the Hub has no name for is called."""
    license_link: str | None = None
    """Where that is written down."""
    citation: str | None = None
    """BibTeX, or in words."""

    planes: tuple[tuple[str, PlaneChoice], ...] = ()
    """What rows may take beside the image, by name."""
    donors: str | None = None
    """Which other items of the source an item may be combined with."""

    def get(self, key: str) -> Any:
        """Return the value of a key of the kind; None if it was not written, or is a key of other kinds."""
        return dict(self.options).get(key)

    def without(self, *keys: str) -> "SourceChoice":
        """Return the choice without some keys of the kind."""
        return replace(self, options=tuple((key, value) for key, value in self.options if key not in keys))

    @property
    def declared(self) -> SourceKind:
        """What the kind declares about itself; raise `UnknownName` or `DeclarationError` if it is not installed."""
        return KINDS.find(self.kind)

    @property
    def mask_endings(self) -> tuple[str, ...] | None:
        """How names of images and of masks end, None if there are no masks; an empty ending is that of any image."""
        return self.get("mask_suffix") or (None if self.get("masks") is None else ("", ".png"))

    @property
    def is_selective(self) -> bool:
        """Whether only some of the source's items are wanted."""
        return any((self.limit, self.subset, self.sample))

    @property
    def names(self) -> dict[str, str]:
        """The columns as a mapping."""
        return dict(self.get("columns") or ())

    def content(self) -> dict[str, Any]:
        """Return the section in plain values, without local paths; only what was chosen."""
        common = {key: getattr(self, key) for key in ("kind", "limit", "sample", "per", *TERMS) if getattr(self, key)}
        subset = {"subset": last_part(self.subset.replace("\\", "/"))} if self.subset else {}
        found = common | subset | recorded(self.options, self.declared.keys)
        found |= {"planes": {name: choice.content() for name, choice in self.planes}} if self.planes else {}
        found |= {"donors": self.donors} if self.donors else {}
        places = {key: ORDER.index(key if key in ORDER else "") for key in found}
        ordered = {key: found[key] for key in sorted(found, key=places.__getitem__)}
        return ordered | ({"mask_suffix": list(self.mask_endings)} if self.mask_endings else {})


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


# The keys of kinds that may have masks.
MASKS: Mapping[str, Key] = {
    "masks": Key(address, is_local=True),
    "mask_suffix": Key(_endings),
    "annotated_as": Key(one_of("stored", "upright")),
}
KEEP_KEYS = Key(_keys)
CLASSES = Key(address, is_file=True)
LABELS = Key(address, is_file=True)
SPLIT = Key(text)
COMMON: Mapping[str, Check] = {
    "path": address,
    "limit": whole(1),
    "subset": address,
    "sample": whole(1),
    "per": one_of("class"),
    "planes": other_planes,
    "donors": DONORS,
    **dict.fromkeys(PLANES, plane_choice),
    **dict.fromkeys(TERMS, text),
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
    checks: dict[str, Check] = {"kind": name_in(KINDS)}
    kind = _value(content, "kind", checks, place)
    own = KINDS.find(kind).keys
    checks |= {**{key: declared.check for key, declared in own.items()}, **COMMON}
    values: dict[str, Any] = {}
    options: dict[str, Any] = {}
    for key in content:
        if key not in checks:
            raise RecipeError(f"{place} {key}: " + _objection(key, kind, checks))
        (options if key in own else values)[key] = _value(content, key, checks, place)
    planes = dict(values.pop("planes", ()))
    for key in [key for key in values if key in PLANES]:
        planes[key] = values.pop(key)
    values["planes"] = tuple(sorted(planes.items()))
    choice = SourceChoice(**values | {"kind": kind}, options=tuple(sorted(options.items())))
    _check_together(choice, place)
    return choice


def _value(content: Mapping[str, Any], key: str, checks: Mapping[str, Check], place: str) -> Any:
    try:
        return checks[key](content[key])
    except DeclarationError as error:
        raise RecipeError(f"{place} {key}: {error}") from error
    except (ValueError, TypeError) as error:
        raise RecipeError(f"{place} {key}: found {content[key]!r}, allowed is {error}") from None


def _objection(key: str, kind: str, checks: Mapping[str, Check]) -> str:
    others = [f'"{name}"' for name, other in KINDS.built_in.items() if key in other.keys]
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
    choice.declared.check(choice, place)
