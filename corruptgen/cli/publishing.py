"""The commands that publish datasets and compare their versions."""

import sys
from pathlib import Path

from tqdm import tqdm

from corruptgen.cli.output import progress_bar
from corruptgen.cli.terminal import eprint, print_columns
from corruptgen.publishing import publication
from corruptgen.publishing.difference import Difference, changed_images, compare_datasets, measure_change, shards_of
from corruptgen.publishing.presentation import mark, present, rebuilt_card
from corruptgen.publishing.publication import Publication, PublishOptions
from corruptgen.publishing.revisions import RECORDS, Revision, download_records, is_published
from corruptgen.publishing.versions import Version, needed_bump
from corruptgen.recipe.recipe import load
from corruptgen.store.names import printable
from corruptgen.verification.dataset import FinishedDataset, open_dataset

BYTES_PER_MB = 10**6


def print_card(directory: Path, repo: str | None, recipe: str | None) -> None:
    """Write the card of a dataset."""
    dataset = open_dataset(directory)
    if recipe:
        dataset = rebuilt_card(dataset, load(recipe))
    presentation = present(dataset, repo)
    if recipe:
        mark(dataset)
    presentation.write(dataset)
    print(f"{directory}: {', '.join(presentation.files)}")


def publish_dataset(
    directory: Path, repo: str, wishes: PublishOptions, *, dry_run: bool, workers: int | None, quiet: bool
) -> None:
    """Upload a dataset and tag its version."""
    with progress_bar("block", quiet) as progress:
        found = publication.prepare(directory, repo, wishes, eprint, workers=workers, progress=progress)
    if not quiet:
        _told(found, repo)
    if dry_run:
        print("nothing was uploaded: this was --dry-run")
        return
    with tqdm(
        total=found.size, unit="B", unit_scale=True, file=sys.stderr, leave=False, disable=True if quiet else None
    ) as drawn:
        publication.upload(found, eprint, lambda done, total: drawn.update(done - drawn.n))
    if not quiet:
        print(f"published: {found.hub.url}/tree/{found.version.tag}")


def _told(found: Publication, repo: str) -> None:
    """Print what will be uploaded."""
    visible = "private" if found.private else "public"
    place = f"{repo} ({visible}{'' if found.state else ', made now'})"
    if found.is_there:
        print(f"{found.version.tag} of {place} is published already, with this content")
        return
    gone = f"; {len(found.gone)} files of the version before are removed" if found.gone else ""
    size = f"{found.size / BYTES_PER_MB:.1f} MB"
    print(f"{found.version.tag} to {place}: {len(found.changed)} files to upload, {size}{gone}")


def print_difference(old: str, new: str) -> None:
    """Print the differences between two datasets."""
    before, after = open_dataset(download_records(old)), open_dataset(download_records(new))
    images = changed_images(before, after)
    found = compare_datasets(
        before, after, change=measure_change(_with_images(old, before, images), _with_images(new, after, images))
    )
    versions = before.recipe.version, after.recipe.version
    print(f"{before.recipe.name} {versions[0]} and {after.recipe.name} {versions[1]}: ", end="")
    if not found.is_any:
        print("no difference")
        return
    bump = needed_bump(found)
    print(f"a {bump.word} change, so after {versions[0]} comes {Version(versions[0]).raised(bump)}\n")
    for title, lines in (("changed or gone", found.breaks), ("added", found.added), ("else", found.others)):
        if lines:
            print(f"{title}:\n" + "\n".join(f"  {printable(line)}" for line in lines))
    _tell_pixels(found)


def _tell_pixels(found: Difference) -> None:
    if found.pixels:
        print(f"images with other pixels, of {found.compared} that are in both:")
        print_columns((f"  {cell}", str(count)) for cell, count in found.pixels.items())
    if change := found.change:
        print(
            f"by how much, in {change.images} of them: {100 * change.samples:.1f} % of the samples differ, by "
            f"{change.mean:.2f} grey levels on average over all and {change.largest:g} at most"
        )


def _with_images(place: str, dataset: FinishedDataset, images: list[tuple[str, str]]) -> FinishedDataset:
    """Have the files there that hold these images."""
    if not is_published(place) or not images:
        return dataset
    return open_dataset(Revision.parse(place).fetched([*RECORDS, *shards_of(dataset, images)]))
