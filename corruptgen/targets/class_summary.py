"""The classes that a source was found to have, in a line for people, and what about them is most often a mistake."""

from collections.abc import Iterator

from corruptgen.recipe.source_section import FOLDERS, SourceChoice
from corruptgen.recipe.source_section import NONE as UNLABELLED
from corruptgen.records import Listing
from corruptgen.store.names import printable
from corruptgen.values.class_labels import LISTS, MISSING, NAMES, NONE, Classes

MOST_NAMED = 5
LONGEST_NAME = 40  # characters
# With fewer items, classes of one item each are no sign of anything.
FEW_ITEMS = 20


def summarize(classes: Classes) -> str:
    """Return the number of classes and the first of their names, in one line."""
    if classes.kind == NONE:
        return "none: no item has a label"
    listed = ", ".join(printable(name)[:LONGEST_NAME] for name in classes.names[:MOST_NAMED])
    more = ", ..." if len(classes.names) > MOST_NAMED else ""
    what = (
        f"{listed}{more}" if classes.names else f"numbers 0 to {classes.count - 1}" if classes.count else "no numbers"
    )
    if classes.kind != LISTS:
        return f"{classes.count} ({what})"
    if classes.width:
        return f"{classes.width}, each 0 or 1 for an item"
    return f"{classes.count} ({what}), any number of them for an item"


def find_doubts(listing: Listing, choice: SourceChoice) -> Iterator[str]:
    """Name what is allowed and yet most often means that the source is not what was meant.

    Parameters
    ----------
    listing : Listing
        What the source holds.
    choice : SourceChoice
        Where its labels come from.
    """
    classes, counts = listing.classes, listing.items.count_labels()
    total, missing = len(listing.items), counts.pop(MISSING, 0)
    are_folders = choice.declared.has_class_folders and (choice.get("labels") or FOLDERS) == FOLDERS
    if choice.declared.has_annotations or choice.get("labels") == UNLABELLED or not total:
        return
    if classes.kind == NONE:
        where = "no image lies in a folder of its class" if are_folders else "no item has a label"
        yield f'{where}; if that is meant, labels = "none" in [source] says so' if are_folders else where
        return
    if classes.kind == NAMES and classes.count == 1:
        name = printable(classes.names[0])[:LONGEST_NAME]
        yield f"there is one class only, {name!r}; is the source the folder above?"
    deep = [name for name in classes.names if "/" in name]
    if are_folders and deep:
        yield (
            f"class folders lie within each other, such as {printable(deep[0])[:LONGEST_NAME]!r}, and each path is a "
            "class; for a single split, name its folder as the source"
        )
    if missing:
        yield f"{missing} of {total} items have no label"
    if classes.is_single and FEW_ITEMS <= total - missing == len(counts):
        yield f"each of {total - missing} items has a class of its own; are these labels?"
