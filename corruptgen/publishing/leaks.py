"""Leaks: tokens, home directories and paths of a machine, which must not leave it in a published file."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from corruptgen.verification.dataset import FinishedDataset

# What is looked for in every file: a text that is quickly found, and what has to follow for it to be one.
SECRETS = {
    b"hf_": ("a token of the Hub", re.compile(rb"hf_[A-Za-z0-9]{20,}")),
    b"api_org_": ("a token of the Hub", re.compile(rb"api_org_[A-Za-z0-9]{20,}")),
    b"ghp_": ("a token of GitHub", re.compile(rb"ghp_[A-Za-z0-9]{30,}")),
    b"github_pat_": ("a token of GitHub", re.compile(rb"github_pat_[A-Za-z0-9_]{30,}")),
    b"AKIA": ("a key of AWS", re.compile(rb"AKIA[0-9A-Z]{16}")),
    b"PRIVATE KEY-----": ("a private key", re.compile(rb"PRIVATE KEY-----")),
    b"X-Amz-": ("a signed URL", re.compile(rb"X-Amz-(?:Signature|Credential|Security-Token)(?:=|%3D)[\w%+/.-]{8,}")),
    b"X-Goog-": ("a signed URL", re.compile(rb"X-Goog-(?:Signature|Credential)(?:=|%3D)[\w%+/.-]{8,}")),
    b"sig=": ("a signed URL", re.compile(rb"[?&;]sig=[\w%+/=-]{20,}")),
    b"AccountKey=": ("a key of Azure", re.compile(rb"AccountKey=[\w%+/=-]{20,}")),
    b"SharedAccess": ("a key of Azure", re.compile(rb"SharedAccess(?:Key|Signature)=[\w%+/=-]{20,}")),
    b"://": (
        "a password in a URL",
        re.compile(rb"\b[a-z][a-z0-9+]+://[\w.~%!$&*+=-]{1,80}:[\w.~%!$&*+=-]{1,200}@[\w\[]"),
    ),
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
# Names of files are relative, and have slashes of their own.
OUTSIDE = re.compile(r"(?!)")
# The same in text of any case: what stands before the host of a URL, or is called like a secret in its query.
QUERIES = re.compile(
    r"://[^\s/@?#\"']{16,}@"
    r"|[?&;](?:x-amz-(?:signature|credential|security-token)|x-goog-(?:signature|credential)|sig|signature|auth"
    r"|[\w-]*(?:token|password|passwd|secret|api_?key|access_?key|account_?key))=[^\s&;\"'<>]{6,}",
    re.IGNORECASE,
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


def find_leaks(
    dataset: FinishedDataset, contents: Mapping[str, bytes], token: str | None, message: str = ""
) -> Iterator[Leak]:
    """Find what must not be published; what it says is not repeated.

    Parameters
    ----------
    dataset : FinishedDataset
        Finished Whose files are read.
    contents : mapping of str to bytes
        Files that are published with another content than exists on disk, by name.
    token : str or None
        The one that the Hub is talked to with.
    message : str, default ""
        Message of the commits and the tag.
    """
    private = _private(token, Path.home(), dataset.folder.root)
    for name in sorted({*dataset.sizes, *contents}):
        pieces = [contents[name]] if name in contents else dataset.folder.pieces(name)
        found = dict.fromkeys([*_in_bytes(pieces, private), *_in_line(name, private, OUTSIDE)])
        if not found and Path(name).suffix in (".json", ".jsonl", ".md", ".txt", ".toml"):
            content = contents[name] if name in contents else dataset.folder.read(name) or b""
            found = dict.fromkeys(_in_text(name, content.decode("utf-8", "replace"), private))
        yield from (Leak(name, what) for what in found)
    found = dict.fromkeys([*_in_bytes([message.encode()], private), *_in_text("", message, private)])
    yield from (Leak("the message", what) for what in found)


def _private(token: str | None, home: Path, root: Path) -> dict[bytes, str]:
    """Return what is private here and now, by its bytes."""
    found = {f"{home}/".encode(): "the home directory", str(root).encode(): "the path of the output"}
    is_token = token and len(token) >= SHORTEST_TOKEN
    secret = {form.encode(): "the token" for form in (token, quote(token, safe=""))} if token and is_token else {}
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


def _in_text(name: str, text: str, private: Mapping[bytes, str]) -> Iterator[str]:
    for line in _texts(name, text):
        found = list(_in_line(line, private, PATHS))
        if found:
            yield from found
            return


def _in_line(line: str, private: Mapping[bytes, str], paths: re.Pattern[str]) -> Iterator[str]:
    """Look at a text as it is and, where it has escapes of URLs, as they mean it."""
    if paths.search(line):
        yield "a path of a machine"
    for form in dict.fromkeys((line, unquote(line))):
        if QUERIES.search(form):
            yield "a secret in a URL"
        if form is not line:
            yield from _in_bytes([form.encode("utf-8", "replace")], private)


def _texts(name: str, text: str) -> Iterator[str]:
    """Return the texts of a file: of JSON all that is text in it, but for digests."""
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
