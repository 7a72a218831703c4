"""Leaks: tokens, home directories and paths of a machine, which must not leave it in a published file."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corruptgen.publish.finished import Finished

# What is looked for in every file: a text that is quickly found, and what has to follow for it to be one.
SECRETS = {
    b"hf_": ("a token of the Hub", re.compile(rb"hf_[A-Za-z0-9]{20,}")),
    b"api_org_": ("a token of the Hub", re.compile(rb"api_org_[A-Za-z0-9]{20,}")),
    b"ghp_": ("a token of GitHub", re.compile(rb"ghp_[A-Za-z0-9]{30,}")),
    b"github_pat_": ("a token of GitHub", re.compile(rb"github_pat_[A-Za-z0-9_]{30,}")),
    b"AKIA": ("a key of AWS", re.compile(rb"AKIA[0-9A-Z]{16}")),
    b"PRIVATE KEY-----": ("a private key", re.compile(rb"PRIVATE KEY-----")),
    b"/home/": ("a home directory", re.compile(rb"/home/[\w.-]")),
    b"/Users/": ("a home directory", re.compile(rb"/Users/[\w.-]")),
    b":\\Users\\": ("a home directory", re.compile(rb":\\Users\\[\w.-]")),
    b":\\\\Users\\\\": ("a home directory", re.compile(rb":\\\\Users\\\\[\w.-]")),
}
SHORTEST_TOKEN = 8  # shorter ones are no tokens, and would be found everywhere
# Long enough for the longest of these.
OVERLAP = 512
# What is looked for in text alone: in pixels, a few bytes may look like anything.
PATHS = re.compile(
    r"(?<![\w.:/~)>\]}*-])/(?:[\w.@+-]+/)+[\w.@+-]+"
    r"|(?<!\w)~/\w"
    r"|file://"
    r"|(?<![A-Za-z0-9])[A-Za-z]:(?:\\|/)[\w.]"
)
# Digests in base64, which has slashes.
DIGESTS = ("pixels", "files", "shards")


@dataclass(frozen=True)
class Leak:
    """Something that must not be published."""

    file: str
    what: str

    def __str__(self) -> str:
        return f"{self.file} holds {self.what}"


def leaks(dataset: Finished, contents: Mapping[str, bytes], token: str | None, message: str = "") -> Iterator[Leak]:
    """Find what must not be published; what it says is not repeated.

    Parameters
    ----------
    dataset : whose files are read
    contents : files that are published with another content than lies there, by name
    token : the one that the Hub is talked to with
    message : of the commits and the tag
    """
    private = _private(token, Path.home(), dataset.folder.root)
    for name in sorted({*dataset.sizes, *contents}):
        pieces = [contents[name]] if name in contents else dataset.folder.pieces(name)
        found = dict.fromkeys(_in_bytes(pieces, private))
        if not found and Path(name).suffix in (".json", ".jsonl", ".md", ".txt", ".toml"):
            content = contents[name] if name in contents else dataset.folder.read(name) or b""
            found = dict.fromkeys(_in_text(name, content.decode("utf-8", "replace")))
        yield from (Leak(name, what) for what in found)
    found = dict.fromkeys(_in_bytes([message.encode()], private)) or dict.fromkeys(_in_text("", message))
    yield from (Leak("the message", what) for what in found)


def _private(token: str | None, home: Path, root: Path) -> dict[bytes, str]:
    """Give what is private here and now, by its bytes."""
    found = {f"{home}/".encode(): "the home directory", str(root).encode(): "the path of the output"}
    secret = {token.encode(): "the token"} if token and len(token) >= SHORTEST_TOKEN else {}
    return {key: what for key, what in found.items() if len(key) > 2} | secret


def _in_bytes(pieces: Iterable[bytes], private: Mapping[bytes, str]) -> Iterator[str]:
    before = b""
    for piece in pieces:
        window = before + piece
        for text, what in private.items():
            if text in window:
                yield what
        for text, (what, pattern) in SECRETS.items():
            if text in window and pattern.search(window):
                yield what
        before = window[-OVERLAP:]


def _in_text(name: str, text: str) -> Iterator[str]:
    for line in _texts(name, text):
        if PATHS.search(line):
            yield "a path of a machine"
            return


def _texts(name: str, text: str) -> Iterator[str]:
    """Give the texts of a file: of JSON all that is text in it, but for digests."""
    try:
        match Path(name).suffix:
            case ".json":
                yield from _leaves(json.loads(text))
            case ".jsonl":
                for line in text.split("\n"):
                    yield from _leaves(json.loads(line)) if line else ()
            case _:
                yield text
    except ValueError:
        yield text


def _leaves(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str(text):
                yield text
            case list(values):
                waiting += values
            case dict(mapping):
                yield from map(str, mapping)
                waiting += [entry for key, entry in mapping.items() if not (key in DIGESTS and isinstance(entry, str))]
