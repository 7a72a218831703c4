"""A plan: what a recipe means for the items that are really there; the same for everyone who works on it."""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.high_bit_depth import decode_image
from corruptgen.codecs.windowing import CleanImage
from corruptgen.engine.sequences import check_sequences, count_frames
from corruptgen.errors import CorruptgenError, ImageError, RecipeError, Rejected, SourceError
from corruptgen.recipe.output_section import OutputChoice
from corruptgen.recipe.recipe import NAME, Recipe, load
from corruptgen.records import Item, Items, Listing, Rejection
from corruptgen.runtime.trouble import reading
from corruptgen.sinks import OutputDirectory, Sink
from corruptgen.sinks.formats import check_installed, reserved_rows, sink
from corruptgen.sources import Content, Source, keep_wanted, open_source, source_place
from corruptgen.store.names import (
    ESCAPES,
    LONGEST_COMPONENT,
    TWINS,
    have_twins,
    is_below,
    portability_problems,
)
from corruptgen.store.output_directory import cell_folder
from corruptgen.tables import catalog
from corruptgen.tables.extension import extend
from corruptgen.tables.first_pass import Planes, find_planes, needed_planes
from corruptgen.tables.row import Row
from corruptgen.tables.severities import shortest_form, spell_out_severities
from corruptgen.tables.table import Preset
from corruptgen.targets.inputs import InputSources, check_named, choose_inputs
from corruptgen.targets.targets import ANNOTATIONS, MASKS, Targets, choose_targets
from corruptgen.values.class_labels import Classes

CLEAN = ("clean", 0.0)
LONGEST_LABEL = 80  # characters in a message
# The ids of what lies in arrays: the place in an array, perhaps behind the array's name.
INDEX = re.compile(r"(?:.*/)?(0|[1-9][0-9]*)", re.DOTALL)
# Blocks of few items keep many workers busy, blocks of many keep the tables of a large build few.
FEWEST_PER_BLOCK, MOST_PER_BLOCK, WANTED_BLOCKS = 8, 50, 32


@dataclass(frozen=True, slots=True)
class Block:
    """Items that one worker makes in all cells, and whose table is one file."""

    number: int
    items: Items

    @property
    def table(self) -> str:
        """The file of its table, relative to the output."""
        return table_name(self.number)


def table_name(block: int) -> str:
    """Return the file of the table of a block, relative to the output."""
    return f"items/{block:05d}.jsonl"


@dataclass(frozen=True)
class Plan:
    """A recipe with its table read, its cells spelled out, and the items it is for."""

    recipe: Recipe
    """Rows and severities are those of `cells`, by name."""
    preset: Preset
    source: Source
    listing: Listing
    cells: tuple[tuple[str, float], ...]
    """Row and severity in the order of all digests; the clean twin, if wanted, comes first."""
    blocks: tuple[Block, ...]
    targets: Targets = field(default_factory=Targets)
    """The masks and annotations that go with the images."""
    frames: tuple[int, ...] = ()
    """The number of frames of an item in each cell, 0 where it has one image; empty: there are no sequences."""
    recorded_planes: Planes | None = None
    """What a first pass has found, where that is known from records and the source is not read."""

    @cached_property
    def planes(self) -> Planes:
        """What rows take that only a first pass over the source finds, by the name of the input; often nothing.

        Raises
        ------
        RecipeError
            If the images are such that there is none.
        """
        if self.recorded_planes is not None:
            return self.recorded_planes
        if not needed_planes(self.preset, self.cells):
            return {}
        return find_planes(
            self.listing.items, self._content, self._decoded, f"{self.recipe.name} [corrupt] rows of {self.preset.name}"
        )

    def _content(self, item: Item) -> Content:
        with reading(item.id):
            return self.source.read(item)

    def _decoded(self, item: Item, content: Content) -> CleanImage:
        with reading(item.id):
            image = decode_image(content, self.recipe.decode)
        try:
            self.preset.sizes.check(*image.pixels.shape[:2])
        except ImageError as error:
            raise Rejected(f"has a size that the table does not hold for: {error}") from error
        return image

    inputs: InputSources = field(default_factory=InputSources)
    """What rows take beside the images."""

    @property
    def folders(self) -> list[str]:
        """The folder of every cell, in the order of `cells`."""
        return [cell_folder(row, severity) for row, severity in self.cells]

    @property
    def classes(self) -> Classes:
        """What labels there are, and how they become numbers: those of the whole source."""
        return self.listing.classes

    def name_problems(self) -> Iterator[tuple[str, str]]:
        """Find names in the output that a user cannot download, check out or load, and report why."""
        return portability_problems((*self.folders, *stored_names(self.recipe.output, self.listing.items)))

    def sink(self, output: OutputDirectory) -> Sink:
        """Return what writes this plan's images into a directory."""
        return sink(self.recipe.output, self.cells, output, len(self.blocks), self.frames)


def make_plan(recipe: str | Path | Recipe, source: str | Path | None = None) -> Plan:
    """Find out what a recipe means.

    Parameters
    ----------
    recipe : str or Path or Recipe
        A recipe, the path of one, or the name of a shipped one.
    source : str or Path or None
        Where the clean images are; None: as set in the recipe.

    Raises
    ------
    RecipeError
        If the recipe asks for something that is missing.
    SourceError
        If there is nothing in the source.
    """
    if not isinstance(recipe, Recipe):
        recipe = load(recipe)
    check_installed(recipe.output, windowed=recipe.decode.window is not None)
    preset = read_preset(recipe)
    recipe = spell_out(recipe, preset)
    cells = recipe_cells(recipe)
    moving = (cell for cell in cells if cell != CLEAN)
    targets = choose_targets(recipe, preset, moving, source_place(recipe, source))
    opened = open_source(recipe, source)
    whole = opened.listing()
    rows = {row: preset.row(row) for row in recipe.corrupt.rows or ()}
    inputs = choose_inputs(recipe, rows, source_place(recipe, source), whole.items)
    listing = keep_wanted(whole, recipe)
    if not listing.items and not listing.rejected:
        note = f"; {listing.note}" if listing.note else ""
        raise SourceError(f"the source holds no images ({listing.ignored} files have names of another kind){note}")
    if recipe.output.escape_names:
        recipe = _told_apart(recipe, listing)
        targets = replace(targets, escape=recipe.output.escape_names)
    if recipe.output.declared.has_file_per_item:
        listing = _without_collisions(listing, recipe.output)
    if targets.masks is not None:
        listing = _without_masks(listing)
    listing = _in_order(listing)
    return Plan(
        recipe=recipe,
        preset=preset,
        source=opened,
        listing=listing,
        cells=cells,
        blocks=tuple(_blocks(listing.items, recipe.output)),
        targets=replace(targets, digest=listing.annotations),
        frames=count_frames(preset, cells, lambda: _first_size(opened, listing, recipe)),
        inputs=inputs,
    )


def _first_size(source: Source, listing: Listing, recipe: Recipe) -> tuple[int, int] | None:
    """Return height and width of the first image that can be read; None if there is none."""
    for item in listing.items:
        with suppress(Rejected):
            height, width = decode_image(source.read(item), recipe.decode).pixels.shape[:2]
            return height, width
    return None


def recipe_cells(recipe: Recipe) -> tuple[tuple[str, float], ...]:
    """Return the cells of a recipe whose rows and severities are spelled out, as those of plans and manifests are."""
    corrupt = recipe.corrupt
    cells = tuple((row, severity) for row in corrupt.rows or () for severity in corrupt.severities_of(row))
    return (CLEAN, *cells) if recipe.output.clean else cells


def read_preset(recipe: Recipe) -> Preset:
    """Read the table of a recipe, with the chains and places that the recipe adds to it."""
    name = recipe.corrupt.preset
    try:
        table = catalog.preset(str(recipe.path(name)) if name.endswith(".toml") else name)
        return extend(table, recipe.corrupt.chains, recipe.corrupt.local)
    except CorruptgenError as error:
        hint = recipe.elsewhere(name) if name.endswith(".toml") else ""
        raise RecipeError(f"{recipe.name} [corrupt] preset: {error}{hint}") from error


def spell_out(recipe: Recipe, preset: Preset) -> Recipe:
    """Replace what a recipe leaves to its table by values, as manifests record them; check that it has every cell."""
    chosen = recipe.corrupt
    try:
        rows = preset.named_rows(chosen.rows) if chosen.rows else list(preset.rows)
        severities = spell_out_severities(preset, rows, chosen.severities)
        for row in rows:
            for severity in severities[row]:
                preset.cell(row, severity)
    except CorruptgenError as error:
        raise RecipeError(f"{recipe.name} [corrupt]: {error}") from error
    check_sequences(recipe, preset, [(row, severity) for row in rows for severity in severities[row]])
    _check_shapes(recipe, preset, rows)
    for row in rows:
        if row in {*reserved_rows(recipe.output), ANNOTATIONS, MASKS} or not NAME.fullmatch(row):
            raise RecipeError(f"{recipe.name}: the row {row!r} of {preset.name} cannot name a folder; rename it")
    corrupt = replace(chosen, preset=preset.name, rows=tuple(rows), severities=shortest_form(severities))
    decode = replace(recipe.decode, colour=recipe.decode.colour or _colour(recipe, preset))
    return replace(recipe, corrupt=corrupt, decode=decode)


def _check_shapes(recipe: Recipe, preset: Preset, rows: Iterable[str]) -> None:
    """Refuse rows for which the source lacks something, or with which masks and annotations cannot go."""
    has_targets = any(recipe.source.get(key) is not None for key in ("masks", "annotations"))
    if has_targets and recipe.output.pairs:
        raise RecipeError(
            f"{recipe.name} [output] pairs: masks and annotations go with single images alone; leave pairs out, "
            "and take clean = true"
        )
    for row in map(preset.row, rows):
        place = f"{recipe.name} [corrupt] rows: {row.name} of {preset.name}"
        check_named(recipe, row, place)
        if has_targets and row.inputs and row.is_geometric:
            raise RecipeError(
                f"{place} moves pixels by what lies beside the image, which masks and annotations cannot follow"
            )
        if recipe.decode.floats and (row.staging.changes or row.is_sequence):
            raise RecipeError(
                f"{place} resizes, crops or makes frames of 8 bits; leave out dtype in [output], or take other rows"
            )
        if has_targets and (reason := _without_targets(row, preset)):
            raise RecipeError(f"{place} {reason}; take another row, or leave out masks and annotations")
        if has_targets and row.is_geometric and row.region is not None and recipe.corrupt.targets == "move":
            raise RecipeError(
                f"{place} moves pixels in places alone, where masks and annotations cannot follow; leave it out, or "
                'write targets = "keep"'
            )


def _without_targets(row: Row, preset: Preset) -> str:
    """State why masks and annotations cannot go with the images of a row; "": they can."""
    if row.staging.view != preset.staging.view or (row.takes_scene and not row.is_geometric):
        return "resizes and crops in its own way, which masks and annotations do not follow"
    if row.changes_size:
        return "makes images of another size, which masks and annotations do not follow"
    if row.takes_scene and row.is_chain:
        return "goes on after it has moved what is cropped, where masks and annotations cannot follow"
    return ""


def _colour(recipe: Recipe, preset: Preset) -> str:
    """Choose what becomes of grey images: what the table wants of files; all others are kept as they are."""
    return preset.colour if recipe.source.declared.holds_files and recipe.decode.window is None else "keep"


def _told_apart(recipe: Recipe, listing: Listing) -> Recipe:
    """Return how names have to be escaped: whether there are some that differ in case or accents alone."""
    plain = replace(recipe.output, escape_names=ESCAPES[1])
    twins = have_twins(stored_names(plain, listing.items))
    return replace(recipe, output=replace(plain, escape_names=TWINS) if twins else plain)


def stored_names(output: OutputChoice, items: Iterable[Item]) -> Iterator[str]:
    """Return what files, or members of shards, are called after items; nothing where a format has no such names."""
    name = output.declared.stored_name
    return iter(()) if name is None else (name(item, output) for item in items)


def _without_collisions(listing: Listing, output: OutputChoice) -> Listing:
    """Reject the items that cannot have an output file of their own."""
    hashes = np.fromiter(map(hash, stored_names(output, listing.items)), np.int64, len(listing.items))
    ordered = np.sort(hashes)
    users = defaultdict(list)
    # Names are kept only where several may be the same: there may be millions.
    for place in np.flatnonzero(np.isin(hashes, ordered[1:][np.diff(ordered) == 0])).tolist():
        item = listing.items[place]
        users[next(stored_names(output, [item]))].append(item.id)
    folders = {folder for label in listing.items.count_labels() for folder in _ancestors(label)}
    is_bad, rejected = np.zeros(len(listing.items), bool), []
    for place, (item, name) in enumerate(zip(listing.items, stored_names(output, listing.items), strict=True)):
        if item.label and not is_below(item.label):
            shown = repr(item.label[:LONGEST_LABEL])
            reason = f"has the label {shown}, which cannot name a folder; take another format"
        elif len(users.get(name, ())) > 1:
            twins = (twin for twin in users[name] if twin != item.id)
            reason = f"would be written to {name}, as {', '.join(twins)} would; rename one"
        elif name in folders:
            reason = f"would be written to {name}, which is the name of a folder; rename it"
        elif any(len(part.encode()) > LONGEST_COMPONENT for part in name.split("/")):
            reason = f"would need an output name of more than {LONGEST_COMPONENT} bytes; rename it"
        else:
            continue
        is_bad[place] = True
        rejected.append(Rejection(item.id, reason))
    return _without(listing, is_bad, rejected)


def _without_masks(listing: Listing) -> Listing:
    """Reject the items that would be written among the masks of a cell."""
    is_among = np.fromiter((label.split("/")[0] == MASKS for label in listing.items.labels()), bool)
    reason = f"would be written to the folder of masks; rename the source's folder {MASKS}"
    return _without(listing, is_among, [Rejection(item.id, reason) for item in listing.items.chosen(is_among)])


def _without(listing: Listing, is_bad: NDArray[np.bool_], rejected: list[Rejection]) -> Listing:
    """Reject the items where a mask is true."""
    if not rejected:
        return listing
    bad = sorted([*listing.rejected, *rejected], key=lambda rejection: rejection.id)
    return replace(listing, items=listing.items.chosen(~is_bad), rejected=tuple(bad))


def _ancestors(label: str) -> list[str]:
    parts = label.split("/")
    return ["/".join(parts[: depth + 1]) for depth in range(len(parts))] if label else []


def _in_order(listing: Listing) -> Listing:
    """Put the items of arrays into the order of the arrays, where 10 comes after 9; others are sorted by id."""
    last = ("", -1)
    is_ordered = True
    for key in listing.items.ids():
        if not INDEX.fullmatch(key):
            return listing
        place = _place(key)
        is_ordered, last = is_ordered and last <= place, place
    if is_ordered:
        return listing
    places = list(map(_place, listing.items.ids()))
    return replace(listing, items=listing.items.chosen(sorted(range(len(places)), key=places.__getitem__)))


def _place(key: str) -> tuple[str, int]:
    """Return the place of an item of an array: the array's name and the number behind it."""
    array, _, number = key.rpartition("/")
    return array, int(number)


def _blocks(items: Items, output: OutputChoice) -> list[Block]:
    """Share the items out evenly; how depends on their number and the recipe alone, never on who works."""
    size = output.items_per_shard
    if output.declared.has_file_per_item:
        size = min(max(math.ceil(len(items) / WANTED_BLOCKS), FEWEST_PER_BLOCK), MOST_PER_BLOCK, size)
    count = math.ceil(len(items) / size)
    edges = [len(items) * number // count for number in range(count + 1)] if count else [0]
    if not output.declared.has_file_per_item:
        edges = [*range(0, len(items), size), len(items)]
    return [Block(number, items[edges[number] : edges[number + 1]]) for number in range(count)]
