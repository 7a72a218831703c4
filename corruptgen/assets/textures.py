"""Pictures that corruptions need and that are not ours to ship: found by their hash, wherever they are."""

import hashlib
import importlib.metadata
import importlib.resources
import logging
import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.errors import AssetError
from corruptgen.runtime.caching import keep_arrays

DIRECTORY_VARIABLE = "CORRUPTGEN_TEXTURES"
DOWNLOAD_SECONDS = 4
# Hosts that did not answer: six pictures are not waited for six times.
_unreachable: set[str] = set()

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Texture:
    """A registered picture: its file's name and hash, and where it may be had."""

    name: str
    sha256: str
    url: str
    distributions: tuple[str, ...]


@keep_arrays
def frost_picture(index: int, scale: float) -> NDArray[np.uint8]:
    """Return a photograph of frost as (H, W, 3) uint8 RGB, read-only, scaled bilinearly by `scale`.

    Raises
    ------
    AssetError
        If the picture is nowhere; the message states where it was looked for, which others are missing and what to do.
    """
    try:
        picture = _decoded(read_registry("frost")[index])
    except PictureMissing:
        check_pictures("frost")
        raise
    if scale != 1:
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR).astype(np.uint8)
    picture.flags.writeable = False
    return picture


@lru_cache
def read_registry(collection: str) -> tuple[Texture, ...]:
    """Read the registry of a collection of pictures, in its order."""
    text = (importlib.resources.files("corruptgen") / "assets" / f"{collection}.toml").read_text(encoding="utf-8")
    registry = tomllib.loads(text)
    about = registry["collection"]
    return tuple(
        Texture(
            name=picture["name"],
            sha256=picture["sha256"],
            url=about["base"] + picture["name"],
            distributions=tuple(about["distributions"]),
        )
        for picture in registry["picture"]
    )


def check_pictures(collection: str, count: int | None = None) -> None:
    """Check that the first `count` pictures of a collection can be found; None: all of them.

    Raises
    ------
    AssetError
        If any of them is missing; the message names all that are, and the one command that installs them.
    """
    wanted = read_registry(collection)[:count]
    missing, reasons = [], list[str]()
    for texture in wanted:
        try:
            texture_bytes(texture)
        except PictureMissing as error:
            missing.append(texture.name)
            reasons += [reason for reason in error.reasons if reason not in reasons]
    if missing:
        raise AssetError(_advice(wanted[0], missing, len(wanted), reasons))


def need_pictures(collection: str) -> Callable[[F], F]:
    """Declare that a corruption takes pictures of a collection: as many as its parameter `pictures` says, or all."""

    def noted(function: F) -> F:
        function.collection = collection  # type: ignore[attr-defined]  # functions carry their declarations
        return function

    return noted


def needed_pictures(function: Callable[..., Any], parameters: Mapping[str, Any]) -> tuple[str, int | None] | None:
    """Return the collection, and how many of its pictures, a corruption draws from; None if it draws from none."""
    collection = getattr(function, "collection", None)
    return (collection, parameters.get("pictures")) if collection else None


def texture_bytes(texture: Texture) -> bytes:
    """Find a picture by its hash: in the user's directory, in an installed distribution, or by download.

    Raises
    ------
    PictureMissing
        If it is in none of these places.
    """
    reasons: list[str] = []
    for place, path in _places(texture, reasons):
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() == texture.sha256:
            return content
        reasons.append(f"{place} is another picture (sha256 {hashlib.sha256(content).hexdigest()[:12]}...)")
    raise PictureMissing(_advice(texture, [texture.name], 1, reasons), tuple(reasons))


class PictureMissing(AssetError):
    """A picture that is in none of the places where it could be."""

    def __init__(self, message: str, reasons: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.reasons = reasons


def _advice(texture: Texture, missing: list[str], count: int, reasons: list[str]) -> str:
    """Return what is missing, why, and what to do."""
    if count == 1:
        what = f"the picture {texture.name} (sha256 {texture.sha256[:12]}...) was not found"
    else:
        what = f"{len(missing)} of {count} pictures were not found ({', '.join(missing)})"
    page = texture.url.rpartition("/")[0]
    return (
        f"{what}: {'; '.join(reasons)}. Either `pip install --no-deps {texture.distributions[0]}`, which ships "
        f"{'them' if count > 1 else 'it'}, or put {'them' if count > 1 else texture.name} into a directory and set "
        f"{DIRECTORY_VARIABLE} to that directory; {'they are' if count > 1 else 'it is'} at "
        f"{page if count > 1 else texture.url}"
    )


def _places(texture: Texture, reasons: list[str]) -> Iterator[tuple[str, Path]]:
    """Return where the picture may be, each place in words that name no path; note why it is not in the others."""
    directory = os.environ.get(DIRECTORY_VARIABLE)
    if not directory:
        reasons.append(f"{DIRECTORY_VARIABLE} is not set")
    elif (Path(directory) / texture.name).is_file():
        yield f"the one in the directory {DIRECTORY_VARIABLE}", Path(directory) / texture.name
    else:
        reasons.append(f"the directory {DIRECTORY_VARIABLE} has no such file")

    installed = [(f"the one of {name}", path) for name in texture.distributions for path in _installed(name, texture)]
    yield from installed
    if not installed:
        reasons.append(f"no distribution that ships it is installed ({', '.join(texture.distributions)})")

    downloaded = _downloaded(texture)
    if isinstance(downloaded, Path):
        yield "the downloaded one", downloaded
    else:
        reasons.append(downloaded)


def _installed(distribution: str, texture: Texture) -> list[Path]:
    try:
        files = importlib.metadata.distribution(distribution).files or []
    except importlib.metadata.PackageNotFoundError:
        return []
    places = (Path(str(file.locate())) for file in files if file.name == texture.name)
    return [place for place in places if place.is_file()]


@lru_cache
def _downloaded(texture: Texture) -> Path | str:
    """Return the picture in the cache, or the reason why it is missing; cached, so that no caller waits twice."""
    host = urlsplit(texture.url).netloc
    if host in _unreachable:
        return f"the download from {host} failed"
    import pooch  # noqa: PLC0415 - it brings an HTTP library that no other module needs

    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        found = pooch.retrieve(
            texture.url,
            known_hash=f"sha256:{texture.sha256}",
            fname=texture.name,
            path=pooch.os_cache("corruptgen"),
            downloader=pooch.HTTPDownloader(timeout=DOWNLOAD_SECONDS),
        )
    except (OSError, ValueError) as error:
        _unreachable.add(host)
        return f"the download failed ({type(error).__name__})"
    finally:
        logger.setLevel(level)
    return Path(found)


def _decoded(texture: Texture) -> NDArray[np.uint8]:
    content = np.frombuffer(texture_bytes(texture), np.uint8)
    picture = cv2.imdecode(content, cv2.IMREAD_COLOR)
    if picture is None:
        raise AssetError(f"OpenCV cannot decode {texture.name}; reinstall opencv-python-headless")
    return np.ascontiguousarray(picture[..., ::-1])
