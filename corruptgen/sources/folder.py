"""A folder of image files: class sub-folders, nested or not, or all in one."""

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from corruptgen.codecs import dicom
from corruptgen.codecs.images import EXTENSIONS
from corruptgen.containers.places import beside, content, is_remote, name_of
from corruptgen.errors import Rejected, SourceError, describe_error
from corruptgen.recipe.checks import names_by
from corruptgen.recipe.declarations import Key, SourceKind
from corruptgen.recipe.recipe import Recipe
from corruptgen.recipe.source_section import CLASSES, FOLDERS, LABELS, MASKS, METADATA, NONE
from corruptgen.records import Item, Listing, Rejection
from corruptgen.runtime.trouble import is_trouble, unreadable, wording
from corruptgen.sources import dicom_files, nifti
from corruptgen.sources.kind import Content, Source
from corruptgen.sources.labels import Labelling
from corruptgen.sources.opening import keeps_depth, naming, path_of, read_named_file
from corruptgen.sources.register import Register
from corruptgen.sources.remote import RemoteFolder
from corruptgen.store.names import (
    from_disk,
    is_apple_double,
    is_below,
    is_hidden,
    is_text,
    leads_out,
    on_disk,
    storable,
)


@dataclass(frozen=True)
class FolderSource:
    """Every file below a folder whose name ends like an image's.

    An item's id is its path relative to the folder, with "/" and exactly as on disk; its label is the folder that holds
    it, "" at the top, or what the labelling says. Images in folders whose name begins with a dot are passed over: they
    are what programs keep for themselves, such as `.ipynb_checkpoints`, and so are those that macOS leaves behind, as
    `._name` or below `__MACOSX`; other names of files may begin with a dot. A link to a file is followed if the file
    lies inside of the source; links to folders are not followed.

    Of a source that is `deep`, DICOM files are items too, whatever their names are, each frame of several as
    `file.dcm#12`, and so are the slices of NIfTI volumes, as `volume.nii#0017`.
    """

    root: Path
    labelling: Labelling = field(default_factory=Labelling)
    deep: bool = False

    def listing(self) -> Listing:
        """List the items sorted by id; links out of the folder and names that are not UTF-8 are rejected."""
        names: list[str] = []
        others: list[str] = []
        rejected: list[Rejection] = []
        inside = os.path.realpath(self.root)
        for entry, name in _entries(self.root, rejected):
            if _is_link_to_folder(entry):
                rejected.append(Rejection(storable(name), "is a link to a folder; write its files into the source"))
            elif is_hidden(name) or not (is_image(name, deep=self.deep) or (self.deep and self._is_scan(entry, name))):
                others.append(name)
            elif reason := _objection(entry, name, inside):
                rejected.append(Rejection(storable(name), reason))
            else:
                names.append(name)
        names.sort()
        register = self.labelling.register(
            names, others, rejected, lambda name: content(beside(from_disk(str(self.root)), name)), self._items
        )
        found = register.listing(len(others))
        if self.deep:
            return replace(found, items=found.items.by_id())
        return replace(found, note=dicom_files.hint(self.root, others))

    def read(self, item: Item) -> Content:
        """Return the bytes of a file, or the samples of a slice, or report why it cannot be read."""
        place = nifti.slice_of(item.id) if self.deep else None
        if place and is_below(item.id):
            return nifti.read_nifti(self.root / on_disk(place[0]), place[1])
        frame = dicom_files.frame_of(item.id) if self.deep else None
        if frame and is_below(item.id) and not os.path.lexists(self.root / on_disk(item.id)):
            return dicom_files.read_dicom_frame(self.root / on_disk(frame[0]), frame[1])
        return self.file(item.id)

    def files(self, items: Sequence[Item]) -> list[str]:
        """List the files of images, and those that hold several: volumes and DICOM of many frames."""
        return [beside(from_disk(str(self.root)), self._holder(item.id)) for item in items]

    def _holder(self, name: str) -> str:
        found = (nifti.slice_of(name) or dicom_files.frame_of(name)) if self.deep else None
        return name if found is None or os.path.lexists(self.root / on_disk(name)) else found[0]

    def file(self, name: str) -> bytes:
        """Return the bytes of a file, or report why it cannot be read."""
        if not is_below(name):
            raise Rejected("has a name that leads out of the source")
        try:
            return (self.root / on_disk(name)).read_bytes()
        except OSError as error:
            if is_trouble(error):
                raise unreadable(name, error) from error
            raise Rejected(f"cannot be read: {describe_error(error)}") from error

    def _is_scan(self, entry: os.DirEntry[str], name: str) -> bool:
        """Check whether the content of a file is DICOM; what lists labels is not looked at."""
        return PurePosixPath(name).suffix.lower() not in dicom_files.LISTS and dicom_files.looks_like_dicom(entry.path)

    def _items(self, name: str, register: Register) -> Iterable[str]:
        """Return the items that a file holds: itself, or the slices of a volume, or the frames of a scan."""
        if not self.deep or PurePosixPath(name).suffix.lower() in EXTENSIONS:
            return [name]
        names = nifti.slice_ids if nifti.is_nifti(name) else dicom_files.frame_ids
        try:
            return list(names(self.root / on_disk(name), name))
        except Rejected as error:
            register.reject(name, str(error))
            return []


def is_image(name: str, *, deep: bool) -> bool:
    """Check whether a name ends like an image's; where depth is kept, also like that of DICOM or a volume."""
    ending = PurePosixPath(name).suffix.lower()
    if is_apple_double(name):
        return False
    return ending in EXTENSIONS or (deep and (ending in dicom.EXTENSIONS or nifti.is_nifti(name)))


def _entries(root: Path, rejected: list[Rejection]) -> Iterator[tuple[os.DirEntry[str], str]]:
    """Walk through everything below a folder that is not itself a folder."""
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        try:
            with os.scandir(root / on_disk(prefix)) as found:
                entries = list(found)
        except OSError as error:
            if prefix and not is_trouble(error):
                rejected.append(Rejection(storable(prefix.rstrip("/")), f"cannot be listed: {error.strerror}"))
                continue
            place = f"the folder {storable(prefix.rstrip('/'))} of the source" if prefix else "the source"
            raise SourceError(
                f"{place} cannot be listed: {wording(error)}; make it readable, or move it out of the source"
            ) from error
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                waiting.append(f"{prefix}{from_disk(entry.name)}/")
            else:
                yield entry, prefix + from_disk(entry.name)


def _is_link_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_symlink() and entry.is_dir()
    except OSError:
        return False


def _objection(entry: os.DirEntry[str], name: str, inside: str) -> str | None:
    """Return why a file cannot be an item, judging by its name and kind alone."""
    if not is_text(name):
        return "has a name that is not UTF-8; rename it"
    try:
        kind = os.stat(entry.path).st_mode
    except OSError as error:
        # A link that leads nowhere is a fault of the source; a file that was listed a moment ago is not.
        if is_trouble(error) and not (entry.is_symlink() and isinstance(error, FileNotFoundError)):
            raise unreadable(storable(name), error) from error
        return f"cannot be read: {describe_error(error)}"
    if entry.is_symlink() and leads_out(inside, entry.path):
        return "is a link that leads out of the source; copy the file into it"
    return None if stat.S_ISREG(kind) else "is not a regular file"


def local_folder(place: str) -> Path:
    """Return the path of a source that has to be a folder of this machine; raise `SourceError` if it is none."""
    if not path_of(place).is_dir():
        raise SourceError(f"{name_of(place)} is no folder; for other kinds of sources see kind in [source]")
    return path_of(place)


def _open(place: str, recipe: Recipe) -> Source:
    choice = recipe.source
    folder = None if is_remote(place) else local_folder(place)
    origin = choice.get("labels") or FOLDERS
    content = b"" if origin in (FOLDERS, METADATA, NONE) else read_named_file(recipe, "labels", origin)
    labelling = Labelling(
        origin=name_of(origin),
        content=content,
        file=choice.names.get("file", "file_name"),
        label=choice.names.get("label", "label"),
        naming=naming(recipe),
    )
    deep = keeps_depth(recipe)
    return RemoteFolder(place, labelling, deep) if folder is None else FolderSource(folder, labelling, deep)


KIND = SourceKind(
    name="folder",
    open=_open,
    keys={"labels": LABELS, "classes": CLASSES, "columns": Key(names_by("file", "label")), **MASKS},
    holds_files=True,
    has_class_folders=True,
)
