"""The Hub: the only module that uploads, and what becomes of everything that a server may answer."""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corruptgen import __version__
from corruptgen.errors import CorruptgenError, PublishError
from corruptgen.runtime.extras import need

DATASET, MAIN = "dataset", "main"
REPO_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
TOKEN = re.compile(r"(hf|api_org)_[A-Za-z0-9]+")
# Seconds between two attempts without progress in between: an hour in all, for as long the Hub may count commits.
HUB = "the Hub"
WAITS = (1, 2, 5, 10, 20, 30, 60, 120, 240, 480, 600, 900, 1200)
LONGEST_WAIT = 3600
TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
LONGEST_SAID = 300
ADVICE: Mapping[int, str] = {
    401: "the token is not accepted, or there is none: log in with `hf auth login`, or set HF_TOKEN to one that "
    "may write",
    402: "the account has no room left; the storage settings on the Hub say how much there is",
    403: "the token may not do this: it needs to be one that may write, and its owner a member of the namespace; "
    "private storage that is full is refused in the same way",
    404: "there is no such repository, or the token may not see it: check the name, and whether the namespace is yours",
    409: "something of this name exists already",
    412: "someone else has changed the repository in the meantime; the same command checks it again and resumes",
    413: "one upload is too large for the server: lower items_per_shard in [output], so that files become smaller",
}
HUB = "the Hub"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Entry:
    """A file in a repository."""

    size: int
    git: str
    """The git oid of a file that is stored as it is."""
    sha256: str | None
    """Of a file that is stored beside the repository."""


@dataclass(frozen=True)
class State:
    """What is in a repository."""

    head: str
    """The last commit of its main branch."""
    is_private: bool
    tags: Mapping[str, str]
    """The commit of each tag."""


@dataclass(frozen=True)
class Hub:
    """One dataset repository, which may not be there yet."""

    repo: str
    say: Say
    """Told in one line why there is a wait."""
    sleep: Callable[[float], None] = time.sleep

    @classmethod
    def of(cls, repo: str, say: Say) -> "Hub":
        """Name a repository; raise `PublishError` if it cannot be one, or if nothing can talk to the Hub."""
        if not REPO_ID.fullmatch(repo):
            raise PublishError(f"{repo!r} is no repository: write OWNER/NAME, of letters, digits, '.', '-' and '_'")
        need("huggingface_hub", HUB)
        return cls(repo, say)

    @property
    def token(self) -> str | None:
        """The token, by the client's own rules."""
        token: str | None = need("huggingface_hub", HUB).get_token()
        return token

    @property
    def url(self) -> str:
        """Where people look at it."""
        return f"{self._api.endpoint}/datasets/{self.repo}"

    def state(self) -> State | None:
        """Look at the repository; None if there is none."""
        not_found = need("huggingface_hub.errors", HUB).RepositoryNotFoundError

        def look() -> State | None:
            try:
                info = self._api.dataset_info(self.repo)
            except not_found as error:
                # To those who may not see it, the Hub says this too.
                if error.response.status_code == 404:
                    return None
                raise
            refs = self._api.list_repo_refs(self.repo, repo_type=DATASET)
            return State(str(info.sha), bool(info.private), {tag.name: tag.target_commit for tag in refs.tags})

        return self.patiently("look at the repository", look)

    def entries(self, revision: str) -> dict[str, Entry]:
        """List the files of a revision, by name."""

        def listed() -> dict[str, Entry]:
            found = self._api.list_repo_tree(self.repo, recursive=True, revision=revision, repo_type=DATASET)
            return {
                file.path: Entry(file.size, file.blob_id, file.lfs.sha256 if file.lfs else None)
                for file in found
                if hasattr(file, "blob_id")
            }

        return self.patiently("list the files", listed)

    def create(self, *, private: bool) -> None:
        """Make the repository."""
        self.patiently(
            "make the repository",
            lambda: self._api.create_repo(self.repo, repo_type=DATASET, private=private, exist_ok=True),
        )

    def commit(self, files: Mapping[str, Any], gone: Sequence[str], message: str, parent: str) -> str:
        """Upload files and make one commit of them; not tried again here, for who calls knows what was done already.

        Parameters
        ----------
        files : mapping of str to object
            Content or path of every file, by name.
        gone : sequence of str
            Files to remove.
        message : str
            Message of the commit.
        parent : str
            The commit that the main branch has to be at.

        Returns
        -------
        str
            The new commit.
        """
        hub = need("huggingface_hub", HUB)
        operations = [
            hub.CommitOperationAdd(path_in_repo=name, path_or_fileobj=content) for name, content in files.items()
        ]
        removals = [hub.CommitOperationDelete(path_in_repo=name) for name in gone]
        done = self._api.create_commit(
            self.repo,
            [*removals, *operations],
            commit_message=message,
            repo_type=DATASET,
            revision=MAIN,
            parent_commit=parent,
        )
        return str(done.oid)

    def tag(self, name: str, commit: str, message: str) -> None:
        """Return a commit a name for ever."""
        http_error = need("huggingface_hub.errors", HUB).HfHubHTTPError

        def named() -> None:
            try:
                self._api.create_tag(self.repo, tag=name, tag_message=message, revision=commit, repo_type=DATASET)
            except http_error as error:
                if error.response.status_code != 409:
                    raise
                # The answer to an earlier attempt may have been lost.
                refs = self._api.list_repo_refs(self.repo, repo_type=DATASET)
                if (name, commit) not in {(tag.name, tag.target_commit) for tag in refs.tags}:
                    raise

        self.patiently("tag the version", named)

    def patiently(self, what: str, call: Callable[[], Any]) -> Any:
        """Try something until it is done or there is no sense in trying again.

        Raises
        ------
        PublishError
            With what the server said and what to do about it.
        """
        attempt = 0
        while True:
            try:
                return call()
            # The client may raise any kind of error; `wait` raises it again if it is not the Hub's trouble.
            except Exception as error:
                self.wait(what, error, attempt)
                attempt += 1

    def wait(self, what: str, error: Exception, attempt: int) -> None:
        """Wait before the next attempt; raise `PublishError` if there is no sense in one, or it was the last."""
        found = trouble(error)
        if found is None:
            raise error
        if not found.is_transient or attempt >= len(WAITS):
            raise PublishError(f"cannot {what}: {found.text}") from error
        seconds = min(max(WAITS[attempt], found.seconds), LONGEST_WAIT) if found.seconds != 0 else 0
        self.say(f"{found.text}; trying again to {what} in {seconds:g} s ({attempt + 1} of {len(WAITS)})")
        self.sleep(seconds)

    @property
    def _api(self) -> Any:
        return need("huggingface_hub", HUB).HfApi(library_name="corruptgen", library_version=__version__)


@dataclass(frozen=True)
class Trouble:
    """What went wrong between here and the Hub."""

    text: str
    is_transient: bool
    seconds: float = -1
    """The server wants us to wait so long; below 0: it does not state."""


def trouble(error: BaseException) -> Trouble | None:
    """Find out what went wrong with the Hub; None if this is another kind of error."""
    errors, httpx = need("huggingface_hub.errors", HUB), need("huggingface_hub.utils", HUB).httpx

    for cause in _causes(error):
        if isinstance(cause, errors.HfHubHTTPError) and cause.response is not None:
            return _answered(cause)
        if isinstance(cause, errors.OfflineModeIsEnabled):
            return Trouble("the Hub is switched off by HF_HUB_OFFLINE; unset it to publish", is_transient=False)
        if isinstance(cause, httpx.TransportError | ConnectionError | TimeoutError):
            return Trouble(f"the Hub cannot be reached ({type(cause).__name__})", is_transient=True)
        if isinstance(cause, FileNotFoundError | PermissionError):
            return Trouble(f"a file of the dataset cannot be read ({cause.strerror})", is_transient=False)
    if isinstance(error, ValueError | RuntimeError) and not isinstance(error, CorruptgenError):
        # The client's words for what a server refuses in the middle of an upload, such as a quota or a card.
        said = _line(str(error))
        advice = f": {ADVICE[402]}" if "storage" in said.lower() or "quota" in said.lower() else ""
        return Trouble(f"the Hub does not take it: {said}{advice}", is_transient=False)
    return None


def _answered(error: Any) -> Trouble:
    code = int(error.response.status_code)
    said = _line(str(error.server_message or error.response.reason_phrase or ""))
    advice = f": {ADVICE[code]}" if code in ADVICE else ""
    return Trouble(
        f"the Hub answers {code} ({said}){advice}", code in TRANSIENT, _asked_to_wait(error.response.headers)
    )


def _asked_to_wait(headers: Mapping[str, str]) -> float:

    after = headers.get("Retry-After", "")
    if after.isdecimal():
        return float(after)
    limit = need("huggingface_hub.utils", HUB).parse_ratelimit_headers(headers)
    return float(limit.reset_in_seconds) if limit and limit.remaining == 0 else -1


def _causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__


def _line(text: str) -> str:
    """Make one line of what a server or the client says, without tokens and without addresses that may hold them."""
    words = " ".join(TOKEN.sub("[token]", text).replace(str(Path.home()), "~").split())
    return re.sub(r"https?://\S+", "[address]", words)[:LONGEST_SAID]


@contextmanager
def reporting_trouble(what: str) -> Iterator[None]:
    """Turn trouble with the Hub into a `PublishError`, without another attempt."""
    try:
        yield
    # The client may raise any kind of error.
    except Exception as error:
        found = trouble(error)
        if found is None:
            raise
        raise PublishError(f"cannot {what}: {found.text}") from error
