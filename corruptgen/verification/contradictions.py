"""Contradictions: what a manifest states about its items, compared with what its tables record of them."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from corruptgen.engine.manifest import MANIFEST, BlockTable
from corruptgen.recipe.recipe import Recipe
from corruptgen.values.class_labels import MISSING, NUMBER, Classes


def find_contradictions(recipe: Recipe, manifest: Mapping[str, Any], tables: Iterable[BlockTable]) -> Iterator[str]:
    """Name what a manifest states about its items and its tables do not.

    Parameters
    ----------
    recipe : Recipe
        The one that the manifest records.
    manifest : mapping of str to object
        The manifest, whose shape was checked.
    tables : iterable of BlockTable
        All of its tables, in order; each is looked at once.
    """
    counts, cells = manifest["counts"], len(manifest["cells"])
    images = sum(manifest.get("frames", {}).get(cell, 1) for cell in manifest["cells"])
    named = [(entry["id"], entry["reason"]) for entry in manifest["rejected"]]
    ids = manifest.get("ids")
    items = listed = 0
    unnamed, notes, labels = set[tuple[str, str]](), Counter[str](), set[str]()
    has_ids = True
    for table in tables:
        items += len(table.made)
        unnamed |= {(rejection.id, rejection.reason) for rejection in table.rejected}
        notes.update(table.noted)
        labels |= {record.label for record in table.records}
        end = listed + len(table.records)
        has_ids = has_ids and (ids is None or ids[listed:end] == [record.id for record in table.records])
        listed = end
    said = (counts["items"], counts["files"], counts["cells"], counts["rejected"])
    if said != (items, items * images, cells, len(manifest["rejected"])) or counts["ignored"] < 0:
        yield f"{MANIFEST} counts other items than its tables"
    if unnamed - set(named) or [name for name, _ in named] != sorted(name for name, _ in named):
        yield f"{MANIFEST} names other rejected items than its tables"
    if manifest.get("noted", {}) != dict(notes):
        yield f"{MANIFEST} counts other notes than its tables"
    if not has_ids or (ids is not None and len(ids) != listed) or ("ids" in manifest) != recipe.source.is_selective:
        yield f"{MANIFEST} lists other ids than its tables"
    if not _labels_fit(recipe, manifest, labels):
        yield f"{MANIFEST} names other classes than its tables"


def _labels_fit(recipe: Recipe, manifest: Mapping[str, Any], labels: Collection[str]) -> bool:
    """Check whether the labels of the items are among the classes, and each class is named once."""
    names = manifest.get("classes", [])
    if len(set(names)) < len(names):
        return False
    if "labels" not in manifest:
        # Earlier versions recorded no kind, and of names those alone that an output has numbers for.
        words = {label for label in labels if not all(NUMBER.fullmatch(number) for number in label.split(" "))}
        return recipe.output.declared.has_file_per_item or words - {MISSING} <= set(names)
    try:
        classes = Classes.read(manifest["labels"], names)
        values = [classes.value(label) for label in labels]
    except (KeyError, ValueError):
        return False
    numbers = [
        number for value in values if value is not None for number in (value if isinstance(value, list) else [value])
    ]
    return all(number < classes.count for number in numbers)
