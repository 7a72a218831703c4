"""Readiness: what has to be right about a dataset before any of it leaves this machine."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from corruptgen.engine.plan import stored_names
from corruptgen.errors import PublishError
from corruptgen.publishing.leaks import find_leaks
from corruptgen.publishing.presentation import Presentation
from corruptgen.store.names import portability_problems, printable
from corruptgen.verification.dataset import FinishedDataset

# The Hub's limits, https://huggingface.co/docs/hub/storage-limits: files of a repository, of a folder, bytes of a file.
MOST_FILES, MOST_IN_FOLDER, LARGEST_FILE = 100_000, 10_000, 200 * 10**9
MOST_NAMED = 3


def check_whole(dataset: FinishedDataset) -> None:
    """Refuse a dataset that lacks items of its source, unless the recipe states that this is as it should be."""
    count = dataset.manifest["counts"]["rejected"]
    if count and not dataset.recipe.publish.allow_rejected:
        raise PublishError(
            f"{count} items of the source were rejected, so the dataset is incomplete: fix them and generate it again, "
            "or write allow_rejected = true in [publish]"
        )


def check_verified(dataset: FinishedDataset, problems: Sequence[str]) -> None:
    """Refuse a dataset of which verification has found something."""
    if problems:
        raise PublishError(
            f"the dataset does not verify: {printable(problems[0])}"
            + (f", and {len(problems) - 1} more problems" if len(problems) > 1 else "")
            + f"; see `corruptgen verify {dataset.folder.root.name}`"
        )


def check_limits(sizes: Mapping[str, int]) -> None:
    """Refuse what the Hub would refuse, or serve badly."""
    folders = Counter(name.rpartition("/")[0] for name in sizes)
    largest = max(sizes, key=lambda name: sizes[name])
    advice = (
        'choose format = "parquet" or "webdataset" in [output], whose files hold many images, with more items_per_shard'
    )
    if len(sizes) > MOST_FILES:
        raise PublishError(f"{len(sizes)} files are more than the {MOST_FILES} that a repository may have; {advice}")
    folder, count = folders.most_common(1)[0]
    if count > MOST_IN_FOLDER:
        raise PublishError(f"{count} files in {folder} are more than the {MOST_IN_FOLDER} of a folder; {advice}")
    if sizes[largest] > LARGEST_FILE:
        raise PublishError(f"{largest} has {sizes[largest] / 1e9:.0f} GB, the Hub takes 200; lower items_per_shard")


def check_names(dataset: FinishedDataset, sizes: Mapping[str, int]) -> None:
    """Refuse names that a user could not download, check out or load."""
    output = dataset.recipe.output
    members = stored_names(output, (record.item for record in dataset))
    # Where each item is a file of its own, these are among the names of the files.
    inner = () if output.declared.has_file_per_item else members
    found = [*portability_problems(sizes), *portability_problems(inner)]
    if found:
        listed = "; ".join(f"{printable(name)} {printable(why)}" for name, why in found[:MOST_NAMED])
        more = f"; and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
        raise PublishError(
            f"{len(found)} names cannot be used everywhere: {listed}{more}; generate the dataset with --escape-names, "
            "which keeps the ids"
        )


def check_private(dataset: FinishedDataset, presentation: Presentation, message: str, token: str | None) -> None:
    """Refuse to let anything of this machine or its user out, in files or in the message of the commits."""
    found = list(find_leaks(dataset, presentation.contents, token, message))
    if found:
        raise PublishError(
            "nothing was uploaded: "
            + "; ".join(printable(str(leak)) for leak in found[:MOST_NAMED])
            + (f"; and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else "")
            + "; remove it from the message, the recipe or the source, and generate it again if its files hold that"
        )


def name_some(names: Sequence[str] | Mapping[str, Any]) -> str:
    """Name a few files, and how many more there are."""
    listed = list(names)
    more = f" and {len(listed) - MOST_NAMED} more" if len(listed) > MOST_NAMED else ""
    return ", ".join(printable(name) for name in listed[:MOST_NAMED]) + more
