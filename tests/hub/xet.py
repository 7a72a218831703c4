"""The store behind the Hub's default way of uploading: hf_xet's own, in a folder that it writes and reads itself."""

import struct
import tempfile
from pathlib import Path

# A shard file: a header, then an entry for each file, of pieces of this many bytes, up to one of nothing but ones.
HEADER = ENTRY = 48
BOOKEND = b"\xff" * 32
VERIFICATION, METADATA = 1 << 31, 1 << 30


class Store:
    """A folder that hf_xet takes for a server."""

    def __init__(self, place):
        self.place = Path(place)
        self.place.mkdir(exist_ok=True)

    @property
    def url(self):
        """Where hf_xet is told to go."""
        return f"local://{self.place}"

    def hash_of(self, sha256):
        """Find what the store calls a file; None if it has none with this digest."""
        for shard in self.place.glob("xet/xorbs/shards/*.mdb"):
            if found := _files(shard.read_bytes()).get(sha256):
                return found
        return None

    def content(self, name, size):
        """Put a file together."""
        from hf_xet import XetFileInfo, XetSession  # noqa: PLC0415

        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder, "file")
            with XetSession().new_file_download_group(endpoint=self.url) as group:
                group.start_download_file(XetFileInfo(name, size), str(target))
            return target.read_bytes()


def _files(shard):
    """Return the files that a shard file describes: their names in the store by their SHA-256."""
    found, place = {}, HEADER
    while shard[place : place + 32] != BOOKEND:
        name = _text(shard[place : place + 32])
        flags, count = struct.unpack_from("<II", shard, place + 32)
        place += ENTRY * (1 + count)
        if flags & VERIFICATION:
            place += ENTRY * count
        if flags & METADATA:
            found[_text(shard[place : place + 32])] = name
            place += ENTRY
    return found


def _text(digest):
    """Write a digest as text: four numbers of eight bytes, the least one first in each."""
    return "".join(digest[start : start + 8][::-1].hex() for start in range(0, 32, 8))
