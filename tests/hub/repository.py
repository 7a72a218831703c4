"""What a hub keeps: repositories with commits and tags, and the objects of large files."""

import hashlib
import threading
from dataclasses import dataclass, field

ATTRIBUTES = b"*.parquet filter=lfs diff=lfs merge=lfs -text\n"
# What is kept in git itself; everything else is an object of its own.
TEXTS = (".gitattributes", ".md", ".json", ".jsonl", ".txt")


@dataclass(frozen=True)
class Blob:
    """A file at some commit: its bytes, or where they are."""

    content: bytes | None = None
    sha256: str | None = None
    size: int = 0

    @property
    def oid(self):
        """What git calls it."""
        content = self.content if self.content is not None else self.pointer
        return hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()

    @property
    def pointer(self):
        """What git has of a large file."""
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {self.size}\n".encode()


@dataclass(frozen=True)
class Commit:
    """A state of a repository."""

    oid: str
    title: str
    tree: dict


@dataclass
class Repository:
    """A dataset repository."""

    name: str
    private: bool
    commits: list = field(default_factory=list)
    tags: dict = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self):
        self.add("initial commit", {".gitattributes": Blob(ATTRIBUTES, size=len(ATTRIBUTES))})

    @property
    def head(self):
        """The last commit."""
        return self.commits[-1]

    def add(self, title, tree):
        """Make a commit."""
        named = "".join(f"{path} {blob.oid}\n" for path, blob in sorted(tree.items()))
        oid = hashlib.sha1(f"{len(self.commits)} {title}\n{named}".encode()).hexdigest()
        self.commits.append(Commit(oid, title, tree))
        return oid

    def at(self, revision):
        """Find a commit; None if there is none."""
        revision = revision.removeprefix("refs/heads/").removeprefix("refs/tags/")
        oid = self.head.oid if revision == "main" else self.tags.get(revision, revision)
        return next((commit for commit in self.commits if commit.oid == oid), None)


def is_text(path):
    """Check whether a file is kept in git itself."""
    return path.endswith(TEXTS)
