"""What differs between two versions of a dataset: rows, parameters, environment, items, labels, pixels."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from corruptgen.engine.identity import describe
from corruptgen.engine.manifest import ItemRecord
from corruptgen.errors import OutputError
from corruptgen.store.digests import PIXELS_BYTES, split
from corruptgen.store.output_directory import cell_folder
from corruptgen.values.arguments import severity_text
from corruptgen.values.choice import choose_evenly
from corruptgen.values.comparison import describe_differences
from corruptgen.verification.dataset import FinishedDataset

MEASURED = 20  # images whose pixels are compared one by one


@dataclass(frozen=True)
class Change:
    """How much some images have changed."""

    images: int
    """Number of those that were compared."""
    samples: float
    """Share of their samples that differ."""
    mean: float
    """Mean distance over all samples, in grey levels: steps of what is stored."""
    largest: float
    """Largest distance, in grey levels."""


@dataclass(frozen=True)
class Difference:
    """What has changed; one line each."""

    breaks: tuple[str, ...]
    """What makes a split contain something else than before."""
    added: tuple[str, ...]
    """What was not there before."""
    others: tuple[str, ...]
    """What changes no image and no label."""
    pixels: Mapping[str, int]
    """By cell, the number of images whose pixels have changed; only cells where there are any."""
    compared: int
    """Number of images that are in both."""
    change: Change | None = None
    """How much; None if it was not measured."""

    @property
    def is_any(self) -> bool:
        """Whether anything has changed."""
        return bool(self.breaks or self.added or self.others)


def compare_datasets(old: FinishedDataset, new: FinishedDataset, *, change: Change | None = None) -> Difference:
    """Compare two datasets by their manifests and the tables of their items.

    Parameters
    ----------
    old, new : FinishedDataset
        Finished The datasets.
    change : Change or None
        What `measure_change` has found out about their pixels.
    """
    before, after = _records(old), _records(new)
    pixels = {cell: len(found) for cell, found in _changed(old, new, before, after).items() if found}
    common_items = before.keys() & after.keys()
    common_cells = set(_folders(old)) & set(_folders(new))
    added, breaks = _cells(old, new)
    added += _targets_added(before, after)
    breaks += _items(before, after)
    if pixels:
        breaks.append(f"the pixels of {sum(pixels.values())} images in {len(pixels)} cells have changed")
    breaks += _layout(old, new)
    return Difference(
        breaks=tuple(breaks),
        added=tuple(added),
        others=(
            *_parameters(old, new),
            *_recipe(old, new),
            *_environment(old, new),
            *_code(old, new),
            *_files(old, new),
        ),
        pixels=pixels,
        compared=len(common_items) * len(common_cells),
        change=change,
    )


def changed_images(old: FinishedDataset, new: FinishedDataset) -> list[tuple[str, str]]:
    """Name the images whose pixels have changed: folder of the cell and id, evenly chosen if there are many."""
    found = _changed(old, new, _records(old), _records(new))
    listed = [(cell, item) for cell, items in found.items() for item in items]
    return choose_evenly(listed, MEASURED)


def measure_change(old: FinishedDataset, new: FinishedDataset) -> Change | None:
    """Compare pixels that have changed; None if there are none, or none of one size and type in both."""
    total, differing, distance, largest, images = 0, 0, 0.0, 0.0, 0
    for cell, item in changed_images(old, new):
        pair = _pixels(old, cell, item), _pixels(new, cell, item)
        if pair[0] is None or pair[1] is None or pair[0].shape != pair[1].shape or pair[0].dtype != pair[1].dtype:
            continue
        away = np.abs(pair[0].astype(np.float64) - pair[1])
        images += 1
        total += away.size
        differing += int(np.count_nonzero(away))
        distance += float(away.sum())
        largest = max(largest, float(away.max(initial=0)))
    return Change(images, differing / total, distance / total, largest) if total else None


def shards_of(dataset: FinishedDataset, images: list[tuple[str, str]]) -> list[str]:
    """Return the patterns of the files that hold these images."""
    sink, found = dataset.made.sink, set()
    cells = {folder: number for number, folder in enumerate(_folders(dataset))}
    for table in dataset.tables:
        part = table.part(0)
        held = {item.id: item for item in part.items}
        for folder, item in images:
            if item in held and folder in cells:
                name = sink.name(cells[folder], part, held[item])
                is_file = bool(sink.files(held[item]))
                frames = "/*" if dataset.frames_of(*dataset.cells[cells[folder]]) else ""
                found.add(name + frames if is_file else name.partition(": ")[0])
    return sorted(found)


def _pixels(dataset: FinishedDataset, folder: str, item: str) -> Any:
    try:
        return dataset.image(*dataset.cells[_folders(dataset).index(folder)], item)
    except OutputError:
        return None


def _folders(dataset: FinishedDataset) -> list[str]:
    return [cell_folder(*name) for name in dataset.cells]


def _records(dataset: FinishedDataset) -> dict[str, ItemRecord]:
    return {record.id: record for record in dataset}


def _changed(
    old: FinishedDataset, new: FinishedDataset, before: Mapping[str, ItemRecord], after: Mapping[str, ItemRecord]
) -> dict[str, list[str]]:
    """Return the ids of the items whose pixels differ, by the folder of the cell."""
    places = {folder: number for number, folder in enumerate(_folders(old))}
    pairs = [(folder, places[folder], number) for number, folder in enumerate(_folders(new)) if folder in places]
    found: dict[str, list[str]] = {folder: [] for folder, _, _ in pairs}
    for name, record in after.items():
        if name not in before:
            continue
        theirs, ours = split(before[name].pixels, PIXELS_BYTES), split(record.pixels, PIXELS_BYTES)
        for folder, old_place, new_place in pairs:
            if theirs[old_place] != ours[new_place]:
                found[folder].append(name)
    return found


def _cells(old: FinishedDataset, new: FinishedDataset) -> tuple[list[str], list[str]]:
    before, after = old.configs, new.configs
    added = [f"the row {row} was added" for row in after if row not in before]
    gone = [f"the row {row} is gone" for row in before if row not in after]
    for row in after.keys() & before.keys():
        more, less = sorted(set(after[row]) - set(before[row])), sorted(set(before[row]) - set(after[row]))
        added += [f"the severity {severity_text(severity)} of {row} was added" for severity in more]
        gone += [f"the severity {severity_text(severity)} of {row} is gone" for severity in less]
    return sorted(added), sorted(gone)


def _items(before: Mapping[str, ItemRecord], after: Mapping[str, ItemRecord]) -> Iterator[str]:
    for word, count in (("added", len(after.keys() - before.keys())), ("gone", len(before.keys() - after.keys()))):
        if count:
            yield f"{count} items {'were' if word == 'added' else 'are'} {word}"
    labels = sum(before[name].label != after[name].label for name in before.keys() & after.keys())
    if labels:
        yield f"the labels of {labels} items have changed"
    targets = sum(
        any(after[name].masks.get(file) != digest for file, digest in before[name].masks.items())
        or any(after[name].changes.get(file) != change for file, change in before[name].changes.items())
        for name in before.keys() & after.keys()
    )
    if targets:
        yield f"the masks or annotations of {targets} items have changed"


def _targets_added(before: Mapping[str, ItemRecord], after: Mapping[str, ItemRecord]) -> Iterator[str]:
    """Return which items have masks or annotations in more cells: a row that moves pixels brings its own."""
    count = sum(
        bool(after[name].masks.keys() - before[name].masks.keys())
        or bool(after[name].changes.keys() - before[name].changes.keys())
        for name in before.keys() & after.keys()
    )
    if count:
        yield f"masks or annotations of {count} items were added"


def _layout(old: FinishedDataset, new: FinishedDataset) -> Iterator[str]:
    """Return what loaders would notice even where no pixel has changed."""
    before, after = old.recipe.output, new.recipe.output
    if before.format != after.format:
        yield f"the format is {after.format} and was {before.format}"
    elif (before.encoding, before.quality) != (after.encoding, after.quality):
        yield f"images are stored as {after.encoding} and were stored as {before.encoding}, or in another quality"
    if before.pairs != after.pairs:
        yield f"clean images {'lie' if after.pairs else 'do not lie'} beside the corrupted ones now"
    if old.manifest.get("classes") != new.manifest.get("classes"):
        yield "the numbers of the classes have changed"
    annotations = {k: v["sha256"] for k, v in old.manifest.get("annotations", {}).items()}
    renewed = {k: v["sha256"] for k, v in new.manifest.get("annotations", {}).items()}
    if any(renewed.get(name) != digest for name, digest in annotations.items()):
        yield "annotation files have changed"


def _parameters(old: FinishedDataset, new: FinishedDataset) -> Iterator[str]:
    for row in sorted(old.rows.keys() & new.rows.keys()):
        for severity in sorted({*old.configs[row]} & {*new.configs[row]}):
            before, after = (dict(d.preset.cell(row, severity).parameters) for d in (old, new))
            for name in sorted(before.keys() | after.keys()):
                if before.get(name) != after.get(name):
                    yield f"{row} at {severity_text(severity)}: {name} is {after.get(name)} and was {before.get(name)}"


def _recipe(old: FinishedDataset, new: FinishedDataset) -> Iterator[str]:
    before, after = old.recipe.content(), new.recipe.content()
    for section in sorted(before.keys() | after.keys()):
        one, other = before.get(section), after.get(section)
        if one == other or section == "version":
            continue
        yield f"the recipe: {describe_differences({section: one}, {section: other}, ('before', 'now'))}"


def _environment(old: FinishedDataset, new: FinishedDataset) -> Iterator[str]:
    before, after = old.manifest["environment"], new.manifest["environment"]
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield f"made with {name} {after.get(name)}, before with {before.get(name)}"


def _code(old: FinishedDataset, new: FinishedDataset) -> Iterator[str]:
    """Name the code and the builds of libraries that computed the pixels, where others did before."""
    before, after = old.manifest.get("identity"), new.manifest.get("identity")
    if before != after:
        yield f"the code that computed the pixels differs: {describe(before, after)}"


def _files(old: FinishedDataset, new: FinishedDataset) -> Iterator[str]:
    """Return what changed in the files that present the dataset."""
    before, after = old.manifest.get("card", {}), new.manifest.get("card", {})
    for name in sorted(before.keys() & after.keys()):
        if before[name] != after[name]:
            yield f"{name} has changed"
