"""Streams as tar files in the layout of CCC, which loaders read one after the other."""

import hashlib
import json
import os
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.images import encode_image
from corruptgen.errors import ArgumentError, OutputError
from corruptgen.records import Encoding
from corruptgen.sinks.shards import open_shard, read_digest
from corruptgen.sinks.webdataset import add_member
from corruptgen.store.output_directory import OutputDirectory
from corruptgen.streams.images import PRESET, CorruptionStream
from corruptgen.streams.layout import images_per_shard
from corruptgen.tables import catalog
from corruptgen.transforms.samples import part_of
from corruptgen.values.arguments import path_value, shown, whole_number

PLAN = "stream.json"
ENCODING = Encoding("jpeg", quality=85)
MOST_SHARDS = 10**5


def write_shards(
    stream: CorruptionStream,
    output: str | Path,
    *,
    steps_per_shard: int | None = None,
    shards: Iterable[int] | None = None,
) -> list[str]:
    """Write a stream as tar files that `webdataset` reads, and what it is made of as `stream.json`.

    A sample has its image as JPEG of quality 85 (`sample_<k>.input.jpg`), its label (`sample_<k>.output.cls`) and a
    line about both rows (`sample_<k>.info`), as in CCC. The digest of each tar file lies beside it. To call this again
    resumes: files that are complete are compared with their digests, and damaged ones regenerated.

    Parameters
    ----------
    stream : CorruptionStream
        Of items with a whole number as label, without a transform.
    output : str or Path
        The directory; in CCC it is called as `folder_name` has it.
    steps_per_shard : int or None
        None: as many as make 25,000 images or more, as in CCC.
    shards : iterable of int or None
        Which files are written, so that several processes may share them: the bytes are the same. None: all.

    Returns
    -------
    list of str
        The names of the files that were written now.

    Raises
    ------
    OutputError
        If the directory holds another stream, or cannot be written.
    ArgumentError
        If an item has no whole number as label, or there is no such shard.

    Examples
    --------
    >>> import numpy as np
    >>> from corruptgen.streams import Step
    >>> pictures = [(np.full((300, 300, 3), 40 * label, np.uint8), label) for label in range(4)]
    >>> steps = [Step(0, ("fog", "contrast"), (8, 0)), Step(1, ("fog", "contrast"), (7, 0))]
    >>> stream = CorruptionStream(pictures, steps, images_per_step=3)
    >>> write_shards(stream, "my-stream", steps_per_shard=1)
    ['serial_00000.tar', 'serial_00001.tar']
    """
    if not isinstance(stream, CorruptionStream) or stream.transform is not None:
        raise ArgumentError(f"stream is {shown(stream)}; pass a CorruptionStream without a transform")
    speed = stream.images_per_step
    count = whole_number(
        "steps_per_shard", images_per_shard(speed) // speed if steps_per_shard is None else steps_per_shard, 1, 10**9
    )
    total = -(-len(stream.steps) // count)
    wanted = range(total) if shards is None else [whole_number("shards", one, 0, total - 1) for one in shards]
    folder = OutputDirectory(Path(os.fspath(path_value("output", output))))
    _check_plan(folder, _plan(stream, count))
    written = []
    for number in wanted:
        name = f"serial_{number:05d}.tar"
        if not _is_complete(folder, name):
            first = number * count * speed
            _write(folder, name, stream, range(first, min(first + count * speed, len(stream))))
            written.append(name)
    return written


def _plan(stream: CorruptionStream, steps_per_shard: int) -> bytes:
    """Return what decides about the bytes of a stream, but for its pictures themselves."""
    ids = hashlib.sha256()
    for number in range(len(stream.items)):
        ids.update(stream.items.key(number).encode() + b"\0")
    steps_of = [[*step.rows, *step.levels, step.number] for step in stream.steps]
    plan = {
        "preset": PRESET,
        "preset_sha256": catalog.preset(PRESET).digest,
        "seed": stream.seed,
        "images_per_step": stream.images_per_step,
        "steps_per_shard": steps_per_shard,
        "crop": stream.crop,
        "decode": asdict(stream.decoding),
        "items": len(stream.items),
        "ids_sha256": ids.hexdigest(),
    }
    head = json.dumps(plan, indent=1)[:-2]
    # A line for each step.
    steps = ",\n".join(f"  {json.dumps(step)}" for step in steps_of)
    return f'{head},\n "steps": [\n{steps}\n ]\n}}\n'.encode()


def _check_plan(folder: OutputDirectory, plan: bytes) -> None:
    found = folder.read(PLAN)
    if found is None:
        folder.write(PLAN, plan, durable=True)
    elif found != plan:
        raise OutputError(
            f"{folder.root.name} holds another stream ({PLAN} differs: its seed, steps, items or table); choose "
            "another directory, or remove this one"
        )


def _is_complete(folder: OutputDirectory, name: str) -> bool:
    recorded, found = folder.read(_digest_name(name)), read_digest(folder, name)
    return recorded is not None and found is not None and recorded.strip() == found.hex().encode()


def _write(folder: OutputDirectory, name: str, stream: CorruptionStream, places: range) -> None:
    with (
        open_shard(folder, name) as file,
        # As in the format `webdataset`: typeshed asks for a whole file object.
        tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT, encoding="utf-8") as archive,  # type: ignore[call-overload]
    ):
        for number, place in enumerate(places):
            for ending, content in _members(stream, place):
                add_member(archive, f"sample_{number}.{ending}", content)
    folder.write(_digest_name(name), f"{file.shard.digest.hex()}\n".encode())


def _members(stream: CorruptionStream, place: int) -> Iterator[tuple[str, bytes]]:
    step = stream.steps[place // stream.images_per_step]
    image, label = _image_and_label(stream, place)
    inside, _, name = stream.key(place).rpartition("/")
    one, other, first, second = step.as_in_the_original
    about = f"++dir++{inside}++name++{name}++n1++{one}++s1++{first}++n2++{other}++s2++{second}"
    yield "info", about.encode()
    yield "input.jpg", encode_image(image, ENCODING)
    yield "output.cls", str(label).encode()


def _image_and_label(stream: CorruptionStream, place: int) -> tuple[NDArray[np.uint8], int]:
    sample: Any = stream[place]
    if isinstance(sample, dict):
        image, label = sample[part_of(sample, stream.items.image)], sample.get("label")
    else:
        image, label = sample[0], sample[1] if len(sample) > 2 else None
    if isinstance(label, bool) or not isinstance(label, int | np.integer):
        raise ArgumentError(
            f"the item {stream.key(place)} has the label {shown(label)}; pass items with a whole number behind the "
            "picture or under the name of label"
        )
    pixels = np.asarray(image)
    return pixels[..., None] if pixels.ndim == 2 else pixels, int(label)


def _digest_name(name: str) -> str:
    return f"{name}.blake3"
