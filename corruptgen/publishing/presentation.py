"""The files that present a finished dataset, and the note of them in its manifest."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from corruptgen.engine.manifest import MANIFEST, MARKER, json_bytes, manifest_bytes, parse_record
from corruptgen.engine.plan import read_preset, spell_out
from corruptgen.errors import PublishError
from corruptgen.publishing.card import PICTURE, write_card
from corruptgen.publishing.croissant import write_croissant
from corruptgen.publishing.picture import draw_picture
from corruptgen.recipe.recipe import Recipe
from corruptgen.recipe.source_section import TERMS
from corruptgen.sinks.formats import check_installed
from corruptgen.sinks.protocol import DatasetFile
from corruptgen.verification.dataset import FinishedDataset

README, CROISSANT = "README.md", "croissant.json"


@dataclass(frozen=True)
class Presentation:
    """The files, and the manifest that lists them."""

    files: Mapping[str, bytes]
    """By name."""
    manifest: bytes

    @property
    def contents(self) -> dict[str, bytes]:
        """All that has to be written."""
        return {**self.files, MANIFEST: self.manifest}

    def write(self, dataset: FinishedDataset) -> None:
        """Write the missing files; the manifest last, so that it never speaks of missing files."""
        for name, content in self.contents.items():
            if not dataset.folder.holds(name, content):
                dataset.folder.write(name, content, durable=True)


def present(dataset: FinishedDataset, repo: str | None = None) -> Presentation:
    """Make the card of a dataset, its picture and its Croissant metadata; the same manifest produces the same bytes.

    Parameters
    ----------
    dataset : FinishedDataset
        Finished The finished dataset.
    repo : str or None
        The repository that it is for; None: the card has a blank for it.

    Raises
    ------
    PublishError
        If the recipe names a licence that the Hub does not know, there are no items, or a shard cannot be read.
    OutputError
        If an image cannot be read.
    MissingPackage
        If the format needs a package that is not installed.
    """
    check_installed(dataset.recipe.output)
    if not len(dataset):
        raise PublishError("the dataset has no items; there is nothing to present")
    files = {
        README: write_card(dataset, repo).encode(),
        PICTURE: draw_picture(dataset),
        CROISSANT: write_croissant(dataset, repo),
    }
    noted = {
        name: asdict(DatasetFile(len(content), hashlib.sha256(content).hexdigest())) for name, content in files.items()
    }
    return Presentation(files, manifest_bytes({**dataset.manifest, "card": noted}))


def current_card(dataset: FinishedDataset) -> Presentation:
    """Return what presents a dataset as it exists: an earlier release may have worded its card in another way."""
    found = {name: dataset.folder.read(name) for name in (*dataset.manifest.get("card", {}), MANIFEST)}
    files = {name: content for name, content in found.items() if content is not None}
    return Presentation(files, files.pop(MANIFEST))


def rebuilt_card(dataset: FinishedDataset, recipe: Recipe) -> FinishedDataset:
    """Return a dataset the version, the terms and the words of another recipe that makes the same images.

    Parameters
    ----------
    dataset : FinishedDataset
        Finished The finished dataset.
    recipe : Recipe
        As it is now; only `version`, `[publish]` and the terms in `[source]` may have changed.

    Raises
    ------
    PublishError
        If anything else has changed, so that the images would have to be regenerated.
    """
    old, table = dataset.recipe, read_preset(recipe)
    if table.digest != dataset.preset.digest:
        raise PublishError(
            f"the severity table {table.name} is another than these images were made with; generate them again"
        )
    spelled = spell_out(recipe, table)
    if recipe.output.escape_names:
        # How depends on the names of the items, which were looked at when the images were made.
        spelled = replace(spelled, output=replace(recipe.output, escape_names=old.output.escape_names))
    terms = {key: getattr(recipe.source, key) for key in TERMS}
    new = replace(old, version=recipe.version, publish=recipe.publish, source=replace(old.source, **terms))
    wanted, have = spelled.content(), new.content()
    differing = sorted(key for key in wanted.keys() | have.keys() if wanted.get(key) != have.get(key))
    if differing:
        raise PublishError(
            f"the recipe makes other images than these, by its {' and '.join(differing)}: "
            "only version, [publish] and the terms in [source] may change without regenerating them"
        )
    manifest = {**dataset.manifest, "recipe": new.content()}
    return replace(dataset, made=replace(dataset.made, recipe=new), manifest=manifest)


def mark(dataset: FinishedDataset) -> None:
    """Record in the marker that a dataset has another recipe now, so that the same build is recognised."""
    content = dataset.folder.read(MARKER)
    if content is not None:
        marker = parse_record(content, MARKER)
        dataset.folder.write(MARKER, json_bytes({**marker, "recipe": dataset.recipe.content()}), durable=True)
