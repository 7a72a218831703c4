"""A folder of image files behind a URL that fsspec knows: `s3://`, `gs://`, `hf://`, `memory://`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from corruptgen.codecs import dicom, dicom_header
from corruptgen.codecs.images import EXTENSIONS
from corruptgen.containers.places import beside, content, files_below, filesystem, piece, reporting
from corruptgen.errors import Rejected
from corruptgen.records import Item, Listing, Rejection
from corruptgen.sources import dicom_files
from corruptgen.sources.labels import Labelling
from corruptgen.sources.nifti import EXTENSIONS as VOLUMES
from corruptgen.store.names import is_below, is_hidden, is_text, storable

# Files that are no scans, whose content need not be asked for.
OTHERS = (*dicom_files.LISTS, *VOLUMES, ".gz")


@dataclass(frozen=True)
class RemoteFolder:
    """Every file below a URL whose name ends like an image's; ids and labels are those of the same folder on disk.

    DICOM of one frame is read if the source is `deep`, whatever its name is; NIfTI volumes, of which only a slice is
    wanted at a time, are not.
    """

    url: str = field(repr=False)
    labelling: Labelling = field(default_factory=Labelling)
    deep: bool = False

    def listing(self) -> Listing:
        """List the items sorted by id."""
        with reporting(self.url):
            found = files_below(self.url)
        names, others, rejected = [], [], []
        endings = EXTENSIONS | dicom.EXTENSIONS if self.deep else EXTENSIONS
        for name in found:
            is_image = PurePosixPath(name).suffix.lower() in endings
            if is_hidden(name) or not (is_image or self._is_scan(name)):
                others.append(name)
            elif not is_text(name):
                rejected.append(Rejection(storable(name), "has a name that is not UTF-8; rename it"))
            elif not is_below(name):
                rejected.append(Rejection(name, "has a name that leads out of the source; rename it"))
            else:
                names.append(name)
        register = self.labelling.register(names, others, rejected, lambda name: content(beside(self.url, name)))
        return register.listing(len(others))

    def _is_scan(self, name: str) -> bool:
        """Check whether the content of a file is DICOM, whatever its name is."""
        if not self.deep or PurePosixPath(name).suffix.lower() in OTHERS or not is_below(name):
            return False
        with reporting(beside(self.url, name)):
            start = piece(beside(self.url, name), 0, dicom_files.PROBED)
        return dicom_header.is_dicom(start) and not dicom_header.is_directory(start)

    def read(self, item: Item) -> bytes:
        """Return the bytes of a file; trouble with the server is an error of the build, not of the file."""
        if not is_below(item.id):
            raise Rejected("has a name that leads out of the source")
        with reporting(beside(self.url, item.id)):
            system, path = filesystem(beside(self.url, item.id))
            try:
                return bytes(system.cat_file(path))
            except IsADirectoryError as error:
                raise Rejected(f"cannot be read: {type(error).__name__}") from error

    def files(self, items: Sequence[Item]) -> list[str]:
        """Name nothing: servers are not asked for the state of files."""
        return []
