"""Targets: the masks and annotations that belong to the images of a build and are carried to its output."""

import hashlib
import json
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from corruptgen.codecs.metadata import PNG_MAGIC
from corruptgen.codecs.orientations import STORED
from corruptgen.codecs.windowing import StoredSamples
from corruptgen.declare import Warp
from corruptgen.errors import OutputError, RecipeError, Rejected, SourceError
from corruptgen.recipe.declarations import FORMATS
from corruptgen.recipe.recipe import Recipe
from corruptgen.records import Decoding, Item
from corruptgen.runtime.trouble import is_trouble, unreadable
from corruptgen.sources import beside_source
from corruptgen.sources.coco import Annotations, annotations, is_number, size_of
from corruptgen.sources.folder import FolderSource
from corruptgen.sources.label_masks import LabelMask, label_mask
from corruptgen.sources.mask_files import MaskName, mask_names, read_volume
from corruptgen.sources.nifti import is_nifti
from corruptgen.store.names import escape_name, is_below, leads_out, on_disk
from corruptgen.store.output_directory import cell_folder, item_name
from corruptgen.tables.scene import NO_STAGING, Staging
from corruptgen.tables.table import Preset
from corruptgen.targets.annotations import DecodedMotion, move_annotation
from corruptgen.targets.coordinates import strange_keys
from corruptgen.targets.frames import ImageSizes

ANNOTATIONS = "annotations.json"
MASKS = "masks"
# Said of images whose EXIF orientation keeps their size, where the recipe does not set what targets were drawn on.
GUESSED = "an EXIF orientation that keeps the size, and targets taken to be drawn on the image as it is stored"
MOST_NAMED = 8  # keys in one message

Name = tuple[str, float]
"""A row and a severity."""


@dataclass(frozen=True)
class Carried:
    """What goes with one item."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    """Masks, by their name in the output."""
    changes: Mapping[str, list[dict[str, Any] | None]] = field(default_factory=dict)
    """By the annotation file of a cell: what changes in each annotation of the item; None: nothing is left of it."""
    frame: tuple[int, ...] = ()
    """Height and width of the image as it was annotated, and the EXIF orientation by which what is on it was turned;
    empty: the annotations say the size, and nothing was turned."""
    notes: tuple[str, ...] = ()
    """What the user should know about it, one line each."""


@dataclass(frozen=True)
class Summary:
    """One annotation file of the output."""

    name: str
    content: bytes
    annotations: int
    """Number of annotations in it."""
    dropped: tuple[int | None, ...]
    """The ids of those that nothing is left of; None where that is no number."""


@dataclass(frozen=True)
class Targets:
    """What is carried to the output of a build, and how; small enough to travel to every worker."""

    is_annotated: bool = False
    """Whether the images have annotations."""
    annotated: Path | None = None
    """The annotation file, needed to carry them."""
    digest: str = ""
    """Its sha256 when the items were listed."""
    endings: tuple[str, ...] = ()
    """How the names of images end, and how those of their masks do instead; "": the ending of any image.
    Empty: there are no masks."""
    masks: Path | None = None
    """The folder of masks, needed to carry them."""
    annotated_as: str | None = None
    """What masks and annotations are for: images as they are "stored", or "upright" as their EXIF orientation asks;
    None: what their sizes fit, "stored" if they fit both."""
    kept: tuple[str, ...] = ()
    """Keys of annotations that hold no coordinates, whatever they look like."""
    decoding: Decoding = field(default_factory=Decoding)
    staging: Staging = NO_STAGING
    """What the severity table does to the decoded images, if it makes images of pictures."""
    extension: str = ".png"
    """Of the images in the output."""
    escape: str = ""
    """How names in the output are escaped."""
    are_escaped: bool = False
    """Whether the masks that are carried are called so already: those of an output."""
    moved: tuple[Name, ...] = ()
    """The cells that have targets of their own."""
    moved_before_crop: frozenset[Name] = frozenset()
    """Those of them that move what is cropped then."""

    @property
    def summaries(self) -> tuple[str, ...]:
        """The annotation files in the output: the one that cells share, and those of the others."""
        cells = (f"{cell_folder(*name)}/{ANNOTATIONS}" for name in self.moved)
        return (ANNOTATIONS, *cells) if self.is_annotated else ()

    def files(self, item: Item) -> list[str]:
        """Name the files in the output that belong to one item, beside its images."""
        names = mask_names(item.id, self.endings)
        return [f"{folder}{self._stored(name)}" for folder in self._mask_folders() for name in names]

    def mask_digests(self, items: Iterable[Item]) -> dict[str, str]:
        """Return the sha256 of every file that holds masks of these items, by its name; "" where there is none."""
        names = [name for item in items for name in mask_names(item.id, self.endings)] if self.masks else []
        files = dict.fromkeys(file for name in names for file in name.own + name.shared if is_below(file))
        return {file: self._mask_digest(file) for file in files}

    def _mask_digest(self, file: str) -> str:
        if not self._is_there(file):
            return ""
        try:
            with ((self.masks or Path()) / on_disk(file)).open("rb") as opened:
                return hashlib.file_digest(opened, "sha256").hexdigest()
        except OSError as error:
            raise unreadable(f"the mask {file}", error) from error

    def carried(
        self, item: Item, content: bytes | NDArray[Any] | StoredSamples, warp: Callable[[Name], Warp]
    ) -> Carried:
        """Move what belongs to an item as its image is moved.

        Parameters
        ----------
        item : Item
            The item.
        content : bytes or ndarray or StoredSamples
            What the source gave for it.
        warp : callable
            Returns the warp by which a cell moves the image.

        Raises
        ------
        Rejected
            If there is no mask for the item, or the one that exists does not fit the image.
        """
        if not self.is_annotated and not self.endings:
            return Carried()
        frames = ImageSizes.of(content, self.decoding, self.annotated_as)
        warps = {name: warp(name) for name in self.moved}
        files = self._moved_masks(item, content, frames, warps) if self.endings else {}
        changes, frame = self._changes(item, frames, warps) if self.is_annotated else ({}, ())
        return Carried(files, changes, frame, (GUESSED,) if frames.is_guess else ())

    def annotation_bytes(self) -> bytes | None:
        """Return the content of the annotation file; None if there is none.

        Raises
        ------
        SourceError
            If it is not what it was when the items were listed.
        """
        if not self.is_annotated:
            return None
        self._listed()
        return (self.annotated or Path()).read_bytes()

    def summarised(
        self, made: Callable[[], Iterable[tuple[Item, Mapping[str, Any], Sequence[int]]]]
    ) -> Iterator[Summary]:
        """Put the annotation files of the output together.

        Parameters
        ----------
        made : callable
            Lists the complete items, each with the changes and the frame that were recorded of it.
        """
        if not self.is_annotated:
            return
        listed = self._listed()
        for name in self.summaries:
            images, changes = {}, {}
            for item, recorded, frame in made():
                entry = listed.images[item.id]
                motion = self._motion(*(frame or size_of(entry) or (0, 0)))
                size = dict(zip(("height", "width"), motion.size, strict=True))
                images[item.id] = {**entry, "file_name": item_name(item, self.extension, self.escape), **size}
                of_item = (
                    recorded[name] if name in recorded else [move_annotation(a, motion) for a in listed.of(item.id)]
                )
                if len(of_item) != len(listed.of(item.id)):
                    raise OutputError(
                        f"the table states something else about {item.id} than its annotations; write it again"
                    )
                changes[entry["id"]] = iter(of_item)
            kept, dropped = [], []
            for annotation in listed.content["annotations"]:
                number = annotation.get("image_id")
                if is_number(number) and number in changes:
                    change = next(changes[number])
                    if change is None:
                        own = annotation.get("id")
                        dropped.append(own if type(own) is int else None)
                    else:
                        kept.append({**annotation, **change})
            parts = {"images": [images[i] for i in listed.images if i in images], "annotations": kept}
            content = json.dumps({**listed.content, **parts}, separators=(",", ":")) + "\n"
            yield Summary(name, content.encode(), len(kept), tuple(dropped))

    def _listed(self) -> Annotations:
        file = self.annotated or Path()
        listed = annotations(file)
        if listed.digest != self.digest:
            raise SourceError(f"the annotations {file.name} have changed since this build was begun; bring them back")
        return listed

    def _motion(self, height: int, width: int, turn: int = STORED) -> DecodedMotion:
        steps = (self.staging.prepared, self.staging.view) if self.staging.changes else ()
        return DecodedMotion(height, width, self.decoding, turn=turn, kept=self.kept, prepared=steps)

    def _moved_in(self, name: Name, still: DecodedMotion, warp: Warp) -> DecodedMotion:
        """Return how what is on an image moves in a cell that has targets of its own."""
        if name not in self.moved_before_crop:
            return replace(still, warp=warp)
        return replace(still, warp=warp, prepared=still.prepared[:1], cropped=still.prepared[1:])

    def _changes(
        self, item: Item, frames: ImageSizes, warps: Mapping[Name, Warp]
    ) -> tuple[dict[str, list[dict[str, Any] | None]], tuple[int, ...]]:
        listed = self._listed()
        entry = listed.images.get(item.id)
        if entry is None:
            raise Rejected("is not in the annotations")
        size = size_of(entry)
        (height, width), turn = frames.turn(size, "annotated as {}")
        motion = self._motion(height, width, turn)
        for annotation in listed.of(item.id):
            move_annotation(annotation, motion)
        changes = {
            f"{cell_folder(*name)}/{ANNOTATIONS}": [
                move_annotation(annotation, self._moved_in(name, motion, warp)) for annotation in listed.of(item.id)
            ]
            for name, warp in warps.items()
        }
        return changes, () if size and turn == STORED else (height, width, turn)

    def _moved_masks(
        self, item: Item, image: bytes | NDArray[Any] | StoredSamples, frames: ImageSizes, warps: Mapping[Name, Warp]
    ) -> dict[str, bytes]:
        names = mask_names(item.id, self.endings)
        if not names:
            raise Rejected(f"has no mask: its name does not end with {self.endings[0]}")
        files = {}
        for name in names:
            found, mask, content = self._labels(name, image)
            _, turn = frames.turn(mask.size, f"and its mask {found} {{}}")
            motion, turned = self._motion(*mask.size, turn), mask.turned(turn)
            is_kept = self.keeps_size and turn == STORED and content.startswith(PNG_MAGIC)
            files[f"{MASKS}/{self._stored(name)}"] = content if is_kept else motion.fitted(turned).encoded()
            for cell, warp in warps.items():
                moved = self._moved_in(cell, motion, warp).fitted(turned)
                files[f"{cell_folder(*cell)}/{MASKS}/{self._stored(name)}"] = moved.encoded()
        return files

    @property
    def keeps_size(self) -> bool:
        """Whether images are neither resized nor cropped."""
        return self.decoding.resize is None and self.decoding.crop is None and not self.staging.changes

    def _labels(self, name: MaskName, image: bytes | NDArray[Any] | StoredSamples) -> tuple[str, LabelMask, bytes]:
        """Read a mask; return the name of its file as well, and its bytes if they are those of a picture."""
        if self.are_escaped:
            content = self._read_mask(self._stored(name))
            return name.stored, label_mask(content), content
        found = self._mask_file(name)
        if is_nifti(found):
            self._check_mask(found)
            return found, read_volume((self.masks or Path()) / on_disk(found), found, name.number, image), b""
        content = self._read_mask(found)
        number = name.number if found in name.shared else None
        return found, label_mask(content, number, image.siblings if isinstance(image, StoredSamples) else 1), content

    def _mask_file(self, name: MaskName) -> str:
        """Choose the file that holds a mask: the usual one, or the only one there is."""
        usual = (name.own + name.shared)[0]
        there = [file for file in name.own + name.shared if is_below(file) and self._is_there(file)]
        if len(there) > 1 and there[0] != usual:
            raise Rejected(f"has several masks, {' and '.join(there)}; leave one of them, or name it with mask_suffix")
        return there[0] if there else usual

    def _read_mask(self, name: str) -> bytes:
        self._check_mask(name)
        try:
            return FolderSource(self.masks or Path()).file(name)
        except Rejected as error:
            raise Rejected(f"has a mask {name} that {error}") from error

    def _check_mask(self, name: str) -> None:
        """Refuse a mask that lies outside of the folder of masks, or is missing."""
        root = self.masks or Path()
        if not is_below(name) or leads_out(os.path.realpath(root), root / on_disk(name)):
            raise Rejected(f"has a mask {name} that lies outside of the folder of masks")
        if not self._is_there(name):
            raise Rejected(f"has no mask {name}")

    def _is_there(self, name: str) -> bool:
        root = self.masks or Path()
        try:
            return stat.S_ISREG(os.stat(root / on_disk(name)).st_mode)
        except OSError as error:
            # A missing mask is an error of the source; a missing folder of masks is trouble of the machine.
            if is_trouble(error) and not (isinstance(error, FileNotFoundError | NotADirectoryError) and root.is_dir()):
                raise unreadable(f"the mask {name}", error) from error
            return False

    def _stored(self, mask: MaskName) -> str:
        """Return what a mask is called in the output."""
        stem, dot, ending = mask.stored.rpartition(".")
        return escape_name(stem, self.escape) + dot + ending

    def _mask_folders(self) -> list[str]:
        return [f"{MASKS}/", *(f"{cell_folder(*name)}/{MASKS}/" for name in self.moved)]


def choose_targets(recipe: Recipe, preset: Preset, cells: Iterable[Name], place: str) -> Targets:
    """Return what a recipe carries to its output.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    preset : Preset
        Its severity table.
    cells : iterable of Name
        Its rows and severities, the clean twin left out.
    place : str
        Where the clean images are.

    Raises
    ------
    RecipeError
        If what the recipe sets about targets does not fit together, or they are missing.
    """
    choice, source = recipe.corrupt.targets, recipe.source
    moving = _moving(preset, cells)
    if choice == "refuse" and moving:
        rows = ", ".join(dict.fromkeys(row for row, _ in moving))
        raise RecipeError(
            f'{recipe.name} [corrupt] targets: "refuse" allows no row that moves pixels, and these do: {rows}; '
            'leave them out of rows, or write targets = "move" or "keep"'
        )
    if source.declared.has_annotations != (source.get("annotations") is not None):
        raise RecipeError(
            f'{recipe.name} [source] annotations: kind = "coco" needs the key, other kinds do not have it'
        )
    if source.get("mask_suffix") is not None and source.get("masks") is None:
        raise RecipeError(f"{recipe.name} [source] mask_suffix: only together with masks, the folder that they are in")
    if source.get("annotations") is None and source.get("masks") is None:
        if choice == "move":
            raise RecipeError(
                f'{recipe.name} [corrupt] targets: "move" needs something to move: kind = "coco" with annotations, or '
                "masks, in [source]"
            )
        return Targets()
    if not recipe.output.declared.carries_targets:
        carriers = " and ".join(f'"{name}"' for name, form in FORMATS.built_in.items() if form.carries_targets)
        raise RecipeError(f"{recipe.name} [output] format: annotations and masks are carried by {carriers} only")
    found = replace(
        recorded_targets(recipe, preset, moving),
        annotated=beside_source(recipe, "annotations", source.get("annotations"), place),
        masks=beside_source(recipe, "masks", source.get("masks"), place),
    )
    if found.annotated and (found.moved or not found.keeps_size):
        _check_known(recipe.name, found.annotated, found.kept)
    return found


def _check_known(recipe: str, file: Path, kept: Sequence[str]) -> None:
    """Refuse to move annotations with coordinates that nothing is known about: they would stay where they are."""
    listed = annotations(file)
    found: Counter[str] = Counter()
    for entries in listed.of_image.values():
        for annotation in entries:
            found.update(strange_keys(annotation, kept))
    if found:
        names = ", ".join(sorted(found)[:MOST_NAMED])
        more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
        raise RecipeError(
            f"{recipe}: {file.name} holds what may be coordinates under keys that are not known ({names}{more}), which "
            "would stay where they are while the pixels move: leave them out of the file, name those that are no "
            'coordinates with keep_keys = ["..."] in [source], or do without rows that move pixels, resize and crop'
        )


def recorded_targets(recipe: Recipe, preset: Preset | None, cells: Iterable[Name]) -> Targets:
    """Return what is carried to the output of a recipe that was recorded, which does not know where it came from.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    preset : Preset or None
        Its severity table; None: its corruptions are not installed, and which cells move is not known.
    cells : iterable of Name
        Its rows and severities, the clean twin left out.
    """
    moved = _moving(preset, cells) if preset and recipe.corrupt.targets == "move" else ()
    return Targets(
        is_annotated=recipe.source.declared.has_annotations,
        endings=recipe.source.mask_endings or (),
        annotated_as=recipe.source.get("annotated_as"),
        kept=recipe.source.get("keep_keys") or (),
        decoding=recipe.decode,
        extension=recipe.output.stored.extension,
        escape=recipe.output.escape_names,
        staging=preset.staging if preset else NO_STAGING,
        moved=moved,
        moved_before_crop=frozenset(name for name in moved if preset and preset.cell(*name).moves_before_crop),
    )


def _moving(preset: Preset, cells: Iterable[Name]) -> tuple[Name, ...]:
    return tuple(name for name in cells if preset.cell(*name).is_geometric)
