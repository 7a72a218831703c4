"""Identity: the code and the libraries that compute the pixels of a build; its marker, tables and manifest have it."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import llvmlite  # type: ignore[import-untyped]  # has no types
import numpy
import PIL.features
import scipy
import simplejpeg
import threadpoolctl

from corruptgen import __version__
from corruptgen.errors import OutputError
from corruptgen.runtime.provenance import LOADED, version_of
from corruptgen.tables import catalog
from corruptgen.tables.table import Preset, used_functions

# What all corruptions share: decoding and encoding, severity tables, rounding, draws.
SHARED = (
    "corruptgen.tables.cell",
    "corruptgen.codecs.images",
    "corruptgen.codecs.high_bit_depth",
    "corruptgen.tables.table",
)
MARK = 8  # hexadecimal digits
MOST_NAMED = 6  # differences in one message
UNKNOWN = "it does not state what code made it, as outputs of earlier versions do not"

BY_HAND = "a notebook or script"

Identity = Mapping[str, Any]


def identify(preset: Preset, rows: Iterable[str], readers: Iterable[str] = ()) -> dict[str, Any]:
    """Find out what computes the pixels of some rows of a table, in plain values.

    Parameters
    ----------
    preset : Preset
        The severity table.
    rows : iterable of str
        Those of its rows that are made.
    readers : iterable of str
        The modules that read the clean images.

    Returns
    -------
    dict of str to object
        For each corruption its distribution, version and the digest of its sources, the same of what they share, and
        for each library its version, its build and the instructions that it chooses for this processor.
    """
    names = used_corruptions(preset, rows)
    origins = {name: asdict(catalog.origin(name)) for name in names}
    others = {top: version for origin in origins.values() for top, version in origin.pop("uses").items()}
    optional = (getattr(catalog.find_corruption(name).function, "package", None) for name in names)
    others |= {package: version_of(package) for package in optional if package}
    # The reader of a plug-in has modules of its own.
    outside = [reader for reader in readers if reader.partition(".")[0] != catalog.OURS]
    within = frozenset({catalog.OURS}).union(*map(LOADED.kin, outside))
    shared = LOADED.digest(*SHARED, *readers, within=within)
    return {
        "corruptions": origins,
        "shared": {"distribution": catalog.OURS, "version": __version__, "source": shared},
        "libraries": {top: {"version": version} for top, version in sorted(others.items())} | _libraries(),
    }


def used_corruptions(preset: Preset, rows: Iterable[str]) -> list[str]:
    """Name the corruptions that some rows of a table use, sorted."""
    return sorted({level.corruption.name for row in rows for level in preset.row(row).uses})


def marks(identity: Identity) -> dict[str, str]:
    """Shorten an identity to a digest for each part, which is what the table of every block carries."""
    return {name: _mark(value) for name, value in _parts(identity)}


def check_identity(before: Any, now: Identity, what: str) -> None:
    """Refuse to go on with what other code or other libraries have begun: its parts would not match.

    Parameters
    ----------
    before : object
        The identity that is recorded, whatever was read there.
    now : Identity
        That of now.
    what : str
        What begins the message, such as "the output is not whole and was begun".
    """
    if before != now:
        raise OutputError(
            f"{what} with other code or libraries: {describe(before, now)}; finish it with those, or start again with "
            "--overwrite"
        )


def check_marks(before: Mapping[str, str], now: Mapping[str, str], table: str) -> None:
    """Refuse a block that other code or libraries have made than those that the output was begun with."""
    if before != now:
        names = sorted(name for name in {**before, **now} if before.get(name) != now.get(name))
        what = ", ".join(names) if before else UNKNOWN
        raise OutputError(
            f"{table} was made with other code or libraries than this output was begun with ({what}); remove that "
            "file, and its block is regenerated"
        )


def describe(before: Any, now: Any, words: tuple[str, str] = ("before", "now")) -> str:
    """Name what differs between two identities, in one line; they may be any JSON value."""
    one, other = dict(_parts(before)), dict(_parts(now))
    if not one or not other:
        return UNKNOWN
    found = [_difference(name, one.get(name), other.get(name), words) for name in sorted({**one, **other})]
    found = [text for text in found if text]
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    return ", ".join(found[:MOST_NAMED]) + more


def describe_missing(table: Mapping[str, Any], identity: Any) -> str:
    """Name the corruptions that a recorded table needs and that are not installed; empty if all of them are.

    Parameters
    ----------
    table : mapping of str to object
        The plain values of the severity table.
    identity : object
        What is recorded of the code that made the pixels; of earlier versions nothing is.
    """
    brought = _distributions(identity)
    found = []
    for name in sorted(used_functions(table) - catalog.corruptions().keys()):
        place = brought.get(name, "")
        is_by_hand = place == BY_HAND
        known = f" of {place}" if place and not is_by_hand else ""
        found.append(f"the corruption {name}{known} is not {'registered here' if is_by_hand else 'installed'}")
    return "; ".join([*found, *(catalog.broken_plugins() if found else ())])


def _distributions(identity: Any) -> dict[str, str]:
    """Name the distribution and version that each corruption was brought by; of a damaged record nothing is known."""
    found = {name.removeprefix("corruption "): value for name, value in _parts(identity) if name.startswith("corr")}
    return {name: _brought(value) for name, value in found.items()}


def _parts(identity: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not isinstance(identity, Mapping):
        return
    for kind, word in (("corruptions", "corruption"), ("libraries", "library")):
        section = identity.get(kind)
        for name, value in section.items() if isinstance(section, Mapping) else ():
            if isinstance(value, Mapping):
                yield f"{word} {name}", value
    if isinstance(identity.get("shared"), Mapping):
        yield "decoding and rounding", identity["shared"]


def _difference(
    name: str, one: Mapping[str, Any] | None, other: Mapping[str, Any] | None, words: tuple[str, str]
) -> str:
    if one is None or other is None:
        return f"{name} only {words[0] if other is None else words[1]}"
    if one == other:
        return ""
    changed = [key for key in {**one, **other} if one.get(key) != other.get(key)]
    if changed == ["source"]:
        return f"{name} of {_brought(one)}: its source differs"
    if changed == ["build"]:
        return f"{name} {one.get('version')}: its build differs"
    values = (f"{key} {one.get(key)} {words[0]}, {other.get(key)} {words[1]}" for key in changed if key != "source")
    return f"{name}: {', '.join(values)}"


def _brought(value: Mapping[str, Any]) -> str:
    return f"{value.get('distribution', '')} {value.get('version', '')}".strip() or BY_HAND


def _mark(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:MARK]


@lru_cache(maxsize=1)
def _libraries() -> dict[str, dict[str, str]]:
    """Describe the libraries that compute pixels; what is loaded stays what it is for as long as the process lives."""
    jpeg = Path(simplejpeg._jpeg.__file__).read_bytes()
    codecs = {name: PIL.features.version(name) for name in ("libjpeg_turbo", "jpg", "jpg_2000", "zlib", "libtiff")}
    # Other packages may have brought their own; which of those are loaded differs between this process and a worker.
    algebra = {
        f"{library['internal_api']} {library.get('version')} {library.get('architecture')}"
        for library in threadpoolctl.threadpool_info()
        if library["user_api"] == "blas" and "numpy" in library["filepath"]
    }
    return {
        "opencv": {
            "version": str(cv2.__version__),
            "build": hashlib.sha256(cv2.getBuildInformation().encode()).hexdigest(),
            "dispatch": str(cv2.getCPUFeaturesLine()),
            "ipp": str(cv2.ipp.getIppVersion()) if hasattr(cv2, "ipp") and cv2.ipp.useIPP() else "",
        },
        "numpy": {"version": numpy.__version__, "dispatch": _instructions(), "algebra": ", ".join(sorted(algebra))},
        "scipy": {"version": scipy.__version__},
        "llvmlite": {"version": llvmlite.__version__},
        "pillow": {"version": PIL.__version__, "build": " ".join(f"{k} {v}" for k, v in codecs.items())},
        "simplejpeg": {"version": simplejpeg.__version__, "build": hashlib.sha256(jpeg).hexdigest()},
    }


def _instructions() -> str:
    configuration: Any = numpy.show_config(mode="dicts")
    return " ".join(configuration.get("SIMD Extensions", {}).get("found", []))
