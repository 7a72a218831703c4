"""Publishing a finished dataset: what is checked, what is uploaded, and how it is resumed."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from corruptgen.engine.manifest import MANIFEST, parse_record
from corruptgen.errors import PublishError
from corruptgen.publishing.difference import compare_datasets
from corruptgen.publishing.hub import MAIN, Entry, Hub, Say, State
from corruptgen.publishing.licenses import check_sharing
from corruptgen.publishing.presentation import Presentation, current_card, present
from corruptgen.publishing.readiness import (
    check_limits,
    check_names,
    check_private,
    check_verified,
    check_whole,
    name_some,
)
from corruptgen.publishing.revisions import RECORDS, Revision
from corruptgen.publishing.versions import Version, check_follows, published_versions
from corruptgen.values.comparison import describe_differences
from corruptgen.verification.dataset import FinishedDataset, open_dataset
from corruptgen.verification.verdict import HUBS_OWN, verify

# One commit: files and bytes that the server takes well within its minute.
FILES_PER_COMMIT, BYTES_PER_COMMIT = 200, 5 * 10**9
Notify = Callable[[int, int], None]


@dataclass(frozen=True)
class PublishOptions:
    """What the user wants."""

    private: bool | None = None
    """None: private if the repository is made now, unchanged if it exists."""
    message: str = ""
    """Of the commits and the tag; empty: the name of the dataset and the version."""
    may_publish: bool = False
    """The user says to have the right, whatever the licence states."""


@dataclass(frozen=True)
class Publication:
    """What will be uploaded, and where it goes."""

    dataset: FinishedDataset
    presentation: Presentation
    hub: Hub
    state: State | None
    """What exists; None: the repository has to be made."""
    private: bool
    message: str
    changed: Mapping[str, int] = field(default_factory=dict)
    """The bytes of every file that is missing or different there."""
    gone: tuple[str, ...] = ()
    """Files of the version before that this one has not."""
    is_there: bool = False
    """Whether this version is published already, with this content."""
    before: FinishedDataset | None = None
    """The newest version that is published, without its images."""
    digests: dict[tuple[str, str], str] = field(default_factory=dict, compare=False, repr=False)
    """What was hashed already: files are large, and looked at before and after they are uploaded."""

    @property
    def version(self) -> Version:
        """What is published."""
        return Version(self.dataset.recipe.version)

    @property
    def size(self) -> int:
        """Bytes to upload."""
        return sum(self.changed.values())


def prepare(
    directory: str | Path,
    repo: str,
    wishes: PublishOptions,
    say: Say,
    *,
    workers: int | None = None,
    progress: Notify | None = None,
) -> Publication:
    """Check a dataset from all sides and find out what has to be uploaded; nothing is changed, here or there.

    Parameters
    ----------
    directory : str or Path
        A finished output.
    repo : str
        OWNER/NAME on the Hub.
    wishes : PublishOptions
        What the user wants.
    say : Say
        Told in one line why there is a wait.
    workers : int or None
        Number of processes that verify; None: one for each processor.
    progress : Report or None
        Called with how many blocks are verified and how many there are.

    Raises
    ------
    PublishError
        If the dataset must not be published as it is, or the Hub refuses.
    OutputError
        If there is no finished output.
    """
    hub = Hub.of(repo, say)
    dataset = open_dataset(directory)
    if hub.token is None:
        # Before the files are read: that may take hours.
        raise PublishError(
            "there is no token for the Hub: log in with `hf auth login`, or set HF_TOKEN to one that may write"
        )
    check_sharing(dataset.recipe.source, allowed=wishes.may_publish)
    check_whole(dataset)
    check_verified(dataset, verify(directory, workers=workers, progress=progress).problems)
    presentation = present(dataset, repo)
    check_limits(_sizes(dataset, presentation))
    check_names(dataset, _sizes(dataset, presentation))
    message = wishes.message or f"{dataset.recipe.name} {dataset.recipe.version}"
    check_private(dataset, presentation, message, hub.token)
    state = hub.state()
    private = state.is_private if state else wishes.private is not False
    found = Publication(dataset, presentation, hub, state, private, message)
    if state is None:
        return replace(found, changed=_sizes(dataset, presentation))
    if wishes.private is not None and wishes.private != state.is_private:
        now, wanted = ("private", "public") if state.is_private else ("public", "private")
        raise PublishError(f"{repo} is {now} already; to make it {wanted}, change its settings on the Hub")
    return _compared(found, state)


def publish(
    directory: str | Path,
    repo: str,
    *,
    private: bool | None = None,
    message: str = "",
    may_publish: bool = False,
    workers: int | None = None,
    say: Say | None = None,
    progress: Notify | None = None,
) -> str:
    """Verify a finished dataset, upload it to the Hub and tag its version; repeated after an interruption, it resumes.

    Parameters
    ----------
    directory : str or Path
        What `generate` made.
    repo : str
        OWNER/NAME on the Hub; it is created if it does not exist.
    private : bool or None
        None: private if the repository is created now, as it is if it exists.
    message : str
        Of the commits and the tag; empty: the name and version of the recipe.
    may_publish : bool, default False
        You have the right to, whatever the licence of the source states.
    workers : int or None
        Number of processes that verify; None: one for each processor.
    say : Say or None
        Callable or None Called with one line whenever there is a wait.
    progress : Report or None
        Callable or None Called with how many bytes are uploaded and how many there are to be.

    Returns
    -------
    str
        The commit that the tag of the version names.

    Raises
    ------
    OutputError
        If this is not a finished output.
    PublishError
        If the dataset must not be published as it is, there is no token, or the Hub refuses.

    Examples
    --------
    >>> publish("nothing-here", "me/small-c")
    Traceback (most recent call last):
    corruptgen.errors.OutputError: nothing-here has no manifest.json: give the directory that generate has finished
    """
    told = say or (lambda line: None)
    found = prepare(directory, repo, PublishOptions(private, message, may_publish), told, workers=workers)
    return upload(found, told, progress)


def upload(publication: Publication, say: Say, progress: Notify | None = None) -> str:
    """Upload what is missing, then tag the version; done again after an interruption, it resumes.

    Parameters
    ----------
    publication : Publication
        As `prepare` gave it.
    say : Say
        Told in one line why there is a wait.
    progress : Report or None
        Called with how many bytes are uploaded and how many there are to be.

    Returns
    -------
    str
        The commit that the tag of the version names.

    Raises
    ------
    PublishError
        If the Hub refuses, or someone else writes there at the same time.
    """
    hub, version = publication.hub, publication.version
    if publication.is_there and publication.state:
        return publication.state.tags[version.tag]
    publication.presentation.write(publication.dataset)
    if publication.state is None:
        hub.create(private=publication.private)
    commit = _uploaded(publication, progress or (lambda done, total: None))
    left, _ = _missing(publication, hub.entries(commit))
    if left:
        raise PublishError(
            f"{name_some(left)} are not on the Hub as they are here; run the same command again to resume"
        )
    hub.tag(version.tag, commit, publication.message)
    return commit


def _uploaded(publication: Publication, progress: Notify) -> str:
    """Make commits until the main branch holds the dataset; every attempt starts from what exists."""
    hub, attempt, least = publication.hub, 0, publication.size + 1
    while True:
        try:
            state = hub.state()
            if state is None:
                raise PublishError(f"{hub.repo} is gone; the same command regenerates it")
            head = state.head
            changed, gone = _missing(publication, hub.entries(head))
            left = sum(changed.values())
            if left < least:
                # Something was done since: the server is patient, and so are we.
                attempt, least = 0, left
            batches = list(_batches(changed, publication.presentation.contents))
            for number, batch in enumerate(batches):
                progress(publication.size - left, publication.size)
                is_last = number == len(batches) - 1
                part = f" (part {number + 1} of {len(batches)})" if len(batches) > 1 else ""
                files = {name: _content(publication, name) for name in batch}
                head = hub.commit(files, gone if is_last else (), publication.message + part, head)
                left -= sum(changed[name] for name in batch)
            if gone and not batches:
                head = hub.commit({}, gone, publication.message, head)
            progress(publication.size, publication.size)
            return head
        except PublishError:
            raise
        # The client may raise any kind of error; `wait` raises it again if it is not the Hub's trouble.
        except Exception as error:
            hub.wait("upload", error, attempt)
            attempt += 1


def _batches(changed: Mapping[str, int], last: Mapping[str, Any]) -> Iterator[list[str]]:
    """Share files out over commits: images first, what speaks about all of them in the last one."""
    first = [name for name in changed if name not in last and not name.startswith("items/")]
    rest = [name for name in changed if name.startswith("items/") and name not in last]
    batch: list[str] = []
    size = 0
    for name in [*first, *rest]:
        if batch and (len(batch) >= FILES_PER_COMMIT or size + changed[name] > BYTES_PER_COMMIT):
            yield batch
            batch, size = [], 0
        batch.append(name)
        size += changed[name]
    batch += [name for name in changed if name in last]
    if batch:
        yield batch


def _content(publication: Publication, name: str) -> Any:
    content = publication.presentation.contents.get(name)
    return publication.dataset.folder.path(name) if content is None else content


def _compared(publication: Publication, state: State) -> Publication:
    """Compare a dataset with what is in its repository."""
    version, tags = publication.version, state.tags
    if version.tag in tags:
        there = publication.hub.entries(tags[version.tag])
        changed, gone = _missing(publication, there)
        if changed or gone:
            as_it_lies = replace(publication, presentation=current_card(publication.dataset))
            if any(_missing(as_it_lies, there)):
                before = open_dataset(Revision(publication.hub.repo, version.tag).fetched(RECORDS)).recipe.content()
                values = describe_differences(before, publication.dataset.recipe.content())
                content = name_some([*changed, *gone]) + (f"; its recipe is not the same: {values}" if values else "")
                raise PublishError(
                    f"version {version.text} is published already with other content ({content}), and "
                    "what is published never changes: raise version in the recipe; `corruptgen diff` reports how"
                )
        return replace(publication, is_there=True)
    entries = publication.hub.entries(MAIN)
    _check_ours(publication, entries)
    if versions := published_versions(list(tags)):
        newest = Revision(publication.hub.repo, versions[-1].tag)
        old = open_dataset(newest.fetched(RECORDS))
        new = FinishedDataset(publication.dataset.made, parse_record(publication.presentation.manifest, MANIFEST))
        check_follows(version, versions[-1], compare_datasets(old, new))
        publication = replace(publication, before=old)
    changed, gone = _missing(publication, entries)
    return replace(publication, changed=changed, gone=tuple(gone))


def _missing(publication: Publication, entries: Mapping[str, Entry]) -> tuple[dict[str, int], list[str]]:
    """Find the files that are missing or different there, with their bytes, and those there that are of no use."""
    sizes = _sizes(publication.dataset, publication.presentation)
    changed = {name: size for name, size in sizes.items() if not _is_same(publication, name, size, entries.get(name))}
    datasets = [dataset for dataset in (publication.dataset, publication.before) if dataset is not None]
    gone = [name for name in entries if name not in sizes and any(dataset.owns(name) for dataset in datasets)]
    return changed, sorted(gone)


def _is_same(publication: Publication, name: str, size: int, there: Entry | None) -> bool:
    if there is None or there.size != size:
        return False
    kind, theirs = ("sha256", there.sha256) if there.sha256 else ("git", there.git)
    content = publication.presentation.contents.get(name)
    if content is not None:
        return _digest(kind, size, [content]) == theirs
    if (kind, name) not in publication.digests:
        publication.digests[kind, name] = _digest(kind, size, publication.dataset.folder.pieces(name))
    return publication.digests[kind, name] == theirs


def _digest(kind: str, size: int, pieces: Iterable[bytes]) -> str:
    # Git names a file by the SHA-1 of its length and its content.
    git = hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)
    digest = git if kind == "git" else hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def _sizes(dataset: FinishedDataset, presentation: Presentation) -> dict[str, int]:
    """Return the bytes of every file as it will be published."""
    return dict(sorted({**dataset.sizes, **{n: len(c) for n, c in presentation.contents.items()}}.items()))


def _check_ours(publication: Publication, entries: Mapping[str, Entry]) -> None:
    """Refuse a repository that holds something else."""
    ours = _sizes(publication.dataset, publication.presentation)
    foreign = [name for name in entries if name not in ours and not HUBS_OWN.fullmatch(name)]
    if foreign and MANIFEST not in entries:
        raise PublishError(
            f"{publication.hub.repo} holds something else ({name_some(foreign)}); choose another repository or empty it"
        )
