"""What a source, and a sink, declares about itself: its name, its keys in a recipe, what it needs and what it can do.

The modules of `corruptgen.sources` and `corruptgen.sinks` have such declarations at their end; other packages add
theirs by entry points of groups of these names.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from corruptgen.errors import DeclarationError, UnknownName
from corruptgen.recipe.checks import Check
from corruptgen.runtime.plugins import PlugIn, Registry
from corruptgen.values.addresses import last_part


@dataclass(frozen=True)
class Key:
    """A key of [source] or [output] in a recipe."""

    check: Check
    """Returns the value, hashable, or raises `ValueError` with what is allowed."""
    is_file: bool = False
    """The path of a file: only its name is recorded."""
    is_local: bool = False
    """A path of this machine, which is never recorded."""


@dataclass(frozen=True)
class SourceKind:
    """A kind of source."""

    name: str
    """What `kind` in [source] says."""
    open: Callable[[str, Any], Any]
    """Returns the `Source` of a place, as `source_place` returns it, and a `Recipe`."""
    keys: Mapping[str, Key] = field(default_factory=dict)
    """Its own keys of [source]; all kinds have `path`, the keys of selections and of terms."""
    needs: tuple[str, ...] = ()
    """Modules of other packages."""
    holds_files: bool = False
    """Whether its images are files, which say themselves whether they are grey; else they are arrays."""
    has_annotations: bool = False
    """Whether what is on the images is listed in the file that `annotations` names."""
    has_class_folders: bool = False
    """Whether labels are the folders of the images unless the recipe sets otherwise."""
    takes_patterns: bool = False
    """Whether its place may be a pattern of file names, such as `train-*.tar`."""
    check: Callable[[Any, str], None] = lambda choice, place: None
    """Raises `RecipeError` if keys of a `SourceChoice` contradict or need each other; the place is for the message."""


@dataclass(frozen=True)
class Format:
    """A format of outputs."""

    name: str
    """What `format` in [output] says."""
    sink: Callable[..., Any]
    """Returns the `Sink` of an `OutputChoice`, the cells, an `OutputDirectory` and the number of blocks."""
    files: Callable[[str, float], str]
    """Returns the pattern of the files of a row at a severity, relative to the output."""
    sequence_files: Callable[[str, float], str] | None = None
    """The same of a row that makes sequences; None: they are called alike."""
    pair_files: Callable[[str, float], str] | None = None
    """The same of pairs; None: they are called alike."""
    holds_pairs: bool = False
    """Whether clean images may lie beside corrupted ones: `OutputChoice.pairs`. Samples have `clean` then, unless the
    format has a file for each item, whose clean twin lies in a folder of its own."""
    keys: Mapping[str, Key] = field(default_factory=dict)
    """Its own keys of [output]; those of encodings and names follow from what is said below."""
    needs: tuple[str, ...] = ()
    """Modules of other packages."""
    stores_pixels: bool = False
    """Whether images are stored as pixels of any type of samples, so that `encoding` does not apply."""
    holds_arrays: bool = False
    """Whether images may be files of numpy, `encoding = "npy"`."""
    stored_name: Callable[[Any, Any], str] | None = None
    """Returns what the file, or the member of a shard, of an item is called under an `OutputChoice`."""
    has_file_per_item: bool = False
    """Whether each image is a file of its own, in a folder called like its label."""
    carries_targets: bool = False
    """Whether masks and annotations go with the images."""
    holds_sequences: bool = False
    """Whether an item of a cell may be a sequence of frames: its sink has `frames`, the number of them by the cell."""
    holds_videos: bool = False
    """Whether the frames of a sequence may be one video."""
    reserved: tuple[str, ...] = ()
    """What lies in an output beside the rows, so that no row can be called so."""
    media_type: str = ""
    """Of its files; empty: that of the encoding."""
    is_loadable: bool = False
    """Whether `datasets.load_dataset` reads it, each row a config and each severity a split."""
    loading: Callable[[Any, str], tuple[str, str]] | None = None
    """Returns how a row of a `FinishedDataset` is read where `datasets` cannot: Python that continues where it was
    downloaded into `folder`, and a sentence. None: the pattern of the files is named."""
    config: Callable[[Any], Mapping[str, Any]] = lambda dataset: {}
    """Returns what the metadata of every config of a `FinishedDataset` on the Hub says beside its files."""
    row_config: Callable[[Any, str], Mapping[str, Any]] = lambda dataset, row: {}
    """Returns what that of the config of one row says, too."""
    dataset_info: Callable[[Any], list[dict[str, Any]]] | None = None
    """Returns `dataset_info` of the card of a `FinishedDataset`, as `datasets` has it."""
    columns: Callable[[Any, str], Mapping[str, str]] | None = None
    """Returns the columns of a row's files for Croissant, each "image" or a type of Arrow, with "[]" for lists."""

    @property
    def has_names(self) -> bool:
        """Whether files, or members of shards, are called like items."""
        return self.stored_name is not None


KINDS: Registry[SourceKind] = Registry("corruptgen.sources", SourceKind, "kind of source", "folder")
FORMATS: Registry[Format] = Registry("corruptgen.sinks", Format, "format", "folder")


def plug_ins_of(kind: str, form: str) -> dict[str, PlugIn]:
    """Return the plug-ins that a kind of source and a format come from, by what they are; ours are none."""
    found = {f"{KINDS.word} {kind}": KINDS.origin(kind), f"{FORMATS.word} {form}": FORMATS.origin(form)}
    return {name: plug_in for name, plug_in in found.items() if plug_in is not None}


def describe_missing_plug_ins(recorded: Any) -> str:
    """Name the plug-ins that an output was made with and that cannot be used here; empty if there are none.

    Parameters
    ----------
    recorded : object
        The packages by what they declare, as an output records them; None: no plug-in was used.
    """
    found = []
    for what, place in recorded.items() if isinstance(recorded, Mapping) else ():
        word, _, name = what.rpartition(" ")
        registry: Registry[Any] = FORMATS if word == FORMATS.word else KINDS
        try:
            registry.find(name)
        except UnknownName:
            found.append(f"the {what} of {place} is not installed")
        except DeclarationError as error:
            found.append(str(error))
    return "; ".join(found)


def recorded(options: tuple[tuple[str, Any], ...], keys: Mapping[str, Key]) -> dict[str, Any]:
    """Return values of a section as manifests have them: lists for tuples, tables for pairs, files by their names."""
    found = {}
    for key, value in options:
        declared = keys.get(key)
        if declared and declared.is_file:
            found[key] = last_part(value.replace("\\", "/"))
        elif not (declared and declared.is_local):
            found[key] = _plain(value)
    return found


def _plain(value: Any) -> Any:
    if not isinstance(value, tuple):
        return value
    is_table = value and all(isinstance(pair, tuple) and len(pair) == 2 for pair in value)
    return {key: _plain(inner) for key, inner in value} if is_table else [_plain(inner) for inner in value]
