"""The server: routes and answers as the real client expects them, and faults where a test wants them."""

import base64
import hashlib
import json
import re
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

from corruptgen.publishing.licenses import known
from tests.hub.repository import Blob, Repository, is_text

PAGE = 40  # entries of one page of a listing
FULL = "Private repository storage limit reached, please upgrade your plan to increase your private storage limit."


@dataclass
class Fault:
    """What goes wrong: requests that match are answered so, a number of times after some that are not."""

    method: str
    path: str
    status: int
    times: int = 1
    after: int = 0
    message: str = "injected"
    headers: dict = field(default_factory=dict)
    late: bool = False
    """The request is done first, and only its answer is lost."""


class Hub:
    """The state of a server, and the server."""

    def __init__(self, part=1 << 16, xet=None):
        self.part = part
        self.xet = xet
        self.tokens = {"hf_writerwriterwriterwriter": ("ns", True), "hf_readerreaderreaderreader": ("ns", False)}
        self.repositories = {}
        self.objects = {}
        self.parts = {}
        self.faults = []
        self.requests = []
        self.quota = None
        self.stall_at = None
        self.stalled, self.released = threading.Event(), threading.Event()
        self.lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": self}))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        """End the server."""
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    def fail(self, method, path, status, **options):
        """Let something go wrong."""
        self.faults.append(Fault(method, path, status, **options))

    def forget(self):
        """Forget what was asked so far."""
        self.requests.clear()

    def asked(self, method, path):
        """Count the requests of a kind."""
        return sum(1 for m, p in self.requests if m == method and re.search(path, p))

    def content(self, blob):
        """Return the bytes of a file."""
        return self.objects[blob.sha256] if blob.content is None else blob.content

    def files(self, repo, revision):
        """Return the files of a revision with their bytes."""
        tree = self.repositories[repo].at(revision).tree
        return {path: self.content(blob) for path, blob in tree.items() if path != ".gitattributes"}

    def fault(self, method, path):
        """Find what has to go wrong with a request."""
        with self.lock:
            self.requests.append((method, path))
            for fault in self.faults:
                if fault.method == method and re.search(fault.path, path):
                    if fault.after:
                        fault.after -= 1
                    elif fault.times:
                        fault.times -= 1
                        return fault
        return None

    def stall(self):
        """Hold an upload up if it is the one that is to be held up."""
        with self.lock:
            if self.stall_at is None:
                return
            self.stall_at -= 1
            if self.stall_at:
                return
            self.stall_at = None
        self.stalled.set()
        self.released.wait(60)


class Refused(Exception):
    """An answer that is an error."""

    def __init__(self, status, message, code=None):
        super().__init__(message)
        self.status, self.code = status, code


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    hub: "Hub"
    mute = False

    def log_message(self, *arguments):
        """Be silent."""

    def do_GET(self):
        """Answer."""
        self.answer()

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815

    def answer(self):
        """Find out what is asked, and answer."""
        body = self.body()
        address = urlsplit(self.path)
        self.query = parse_qs(address.query)
        fault = self.hub.fault(self.command, unquote(address.path))
        if fault:
            if fault.late:
                self.mute = True
                self.route(address.path, body)
                self.mute = False
            self.send(fault.status, {"error": fault.message}, fault.headers)
            return
        self.route(address.path, body)

    def route(self, path, body):
        """Do what is asked."""
        try:
            for method, pattern, route in ROUTES:
                match = re.fullmatch(pattern, path)
                if match and self.command in method.split():
                    route(self, body, *map(unquote, match.groups()))
                    return
            raise Refused(404, "no such route")
        except Refused as error:
            headers = {"X-Error-Code": error.code, "X-Error-Message": str(error)} if error.code else {}
            self.send(error.status, {"error": str(error)}, headers)

    def body(self):
        """Read what was sent, in one piece or in chunks."""
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        pieces = []
        while size := int(self.rfile.readline().strip() or b"0", 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def send(self, status, content=b"", headers=None):
        """Answer with JSON or bytes."""
        if self.mute:
            return
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        with suppress(BrokenPipeError, ConnectionResetError):
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, str(value))
            if "Content-Type" not in (headers or {}):
                self.send_header("Content-Type", "application/octet-stream" if content is raw else "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(raw)

    def who(self):
        """Find out whose token this is; None without one."""
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token and token not in self.hub.tokens:
            raise Refused(401, "Invalid credentials in Authorization header")
        return self.hub.tokens.get(token)

    def repository(self, name, *, write=False):
        """Find a repository that may be seen, or written."""
        who = self.who()
        found = self.hub.repositories.get(name)
        if found is None or (found.private and who is None):
            raise Refused(404 if who else 401, "Repository not found", "RepoNotFound")
        if write and (who is None or not who[1]):
            raise Refused(403 if who else 401, "You don't have the rights to write to this repository")
        return found

    def commit_at(self, name, revision):
        """Find a commit."""
        found = self.repository(name).at(revision)
        if found is None:
            raise Refused(404, "Revision not found", "RevisionNotFound")
        return found

    def entry(self, path, blob):
        """Describe a file."""
        found = {"type": "file", "oid": blob.oid, "size": blob.size, "path": path}
        if blob.sha256:
            found["lfs"] = {"oid": blob.sha256, "size": blob.size, "pointerSize": len(blob.pointer)}
            if self.hub.xet:
                found["xetHash"] = self.hub.xet.hash_of(blob.sha256)
        return found

    # -- routes

    def whoami(self, body):
        """Return who has this token."""
        who = self.who()
        if who is None:
            raise Refused(401, "Invalid username or password.")
        self.send(200, {"type": "user", "name": who[0], "orgs": [], "auth": {"type": "access_token"}})

    def create(self, body):
        """Make a repository."""
        who, wanted = self.who(), json.loads(body)
        owner = wanted.get("organization") or (who[0] if who else None)
        name = f"{owner}/{wanted['name']}"
        if who is None:
            raise Refused(401, "Invalid username or password.")
        if not who[1] or owner != who[0]:
            raise Refused(403, "You don't have the rights to create a dataset under this namespace")
        url = f"{self.hub.url}/datasets/{name}"
        if name in self.hub.repositories:
            self.send(409, {"error": "You already created this dataset repo", "url": url})
            return
        private = wanted.get("private") or wanted.get("visibility") == "private"
        self.hub.repositories[name] = Repository(name, bool(private))
        self.send(200, {"url": url, "name": name, "id": name})

    def validate(self, body):
        """Check the metadata of a card."""
        content = json.loads(body)["content"]
        match = re.match(r"---\n(.*?)\n---\n", content, re.DOTALL)
        errors = []
        try:
            metadata = yaml.safe_load(match[1]) if match else None
            if not isinstance(metadata, dict):
                errors = [{"message": "no metadata"}]
            elif metadata.get("license") not in known():
                errors = [{"message": '"license" must be one of the list'}]
        except yaml.YAMLError as error:
            errors = [{"message": str(error)}]
        self.send(400 if errors else 200, {"errors": errors, "warnings": []})

    def preupload(self, body, name, revision):
        """Return how files are to be uploaded."""
        tree = self.repository(name, write=True).at(revision).tree
        answer = []
        for file in json.loads(body)["files"]:
            there = tree.get(file["path"])
            oid = {"oid": there.sha256 or there.oid} if there else {}
            mode = "regular" if is_text(file["path"]) else "lfs"
            answer.append({"path": file["path"], "uploadMode": mode, "shouldIgnore": False, **oid})
        self.send(200, {"files": answer})

    def batch(self, body, name):
        """Return where large files are to be put."""
        repository, wanted = self.repository(name, write=True), json.loads(body)["objects"]
        new = [entry for entry in wanted if entry["oid"] not in self.hub.objects]
        used = sum(map(len, self.hub.objects.values())) + sum(entry["size"] for entry in new)
        if self.hub.quota is not None and repository.private and used > self.hub.quota:
            raise Refused(403, FULL)
        objects = []
        for entry in wanted:
            oid, size = entry["oid"], entry["size"]
            actions = {}
            if entry in new:
                verify = {"href": f"{self.hub.url}/lfs/verify/{oid}"}
                count = -(-size // self.hub.part)
                if count > 1:
                    parts = {f"{n:05d}": f"{self.hub.url}/lfs/part/{oid}/{n}" for n in range(1, count + 1)}
                    header = {"chunk_size": str(self.hub.part), **parts}
                    upload = {"href": f"{self.hub.url}/lfs/complete/{oid}", "header": header}
                else:
                    upload = {"href": f"{self.hub.url}/lfs/object/{oid}"}
                actions = {"actions": {"upload": upload, "verify": verify}}
            objects.append({"oid": oid, "size": size, **actions})
        self.send(200, {"transfer": "basic", "objects": objects})

    def put_object(self, body, oid):
        """Take a large file."""
        self.hub.stall()
        if hashlib.sha256(body).hexdigest() != oid:
            raise Refused(400, "another digest")
        self.hub.objects[oid] = body
        self.send(200)

    def put_part(self, body, oid, number):
        """Take a part of a large file."""
        self.hub.stall()
        self.hub.parts[oid, int(number)] = body
        self.send(200, headers={"ETag": hashlib.md5(body, usedforsecurity=False).hexdigest()})

    def complete(self, body, oid):
        """Put the parts of a large file together."""
        numbers = sorted(part["partNumber"] for part in json.loads(body)["parts"])
        self.put_object(b"".join(self.hub.parts.pop((oid, number)) for number in numbers), oid)

    def verify_object(self, body, oid):
        """Return whether a large file has arrived."""
        if len(self.hub.objects.get(oid, b"")) != json.loads(body)["size"]:
            raise Refused(404, "not here")
        self.send(200)

    def xet_token(self, body, name, kind, revision):
        """Return where the store is."""
        self.repository(name, write=kind == "write")
        if self.hub.xet is None:
            raise Refused(404, "no such store")
        said = {"casUrl": self.hub.xet.url, "accessToken": "xet", "exp": 4_000_000_000}
        names = {"X-Xet-Cas-Url": "casUrl", "X-Xet-Access-Token": "accessToken", "X-Xet-Token-Expiration": "exp"}
        self.send(200, said, {header: said[key] for header, key in names.items()})

    def commit(self, body, name, revision):
        """Make a commit."""
        repository = self.repository(name, write=True)
        lines = [json.loads(line) for line in body.splitlines()]
        header = lines[0]["value"]
        with repository.lock:
            if header.get("parentCommit", repository.head.oid) != repository.head.oid:
                raise Refused(412, "A commit has happened since. Please refresh and try again.")
            tree = dict(repository.head.tree)
            for line in lines[1:]:
                value = line["value"]
                match line["key"]:
                    case "file":
                        content = base64.b64decode(value["content"])
                        tree[value["path"]] = Blob(content, size=len(content))
                    case "lfsFile":
                        if self.hub.xet and (stored := self.hub.xet.hash_of(value["oid"])):
                            self.hub.objects[value["oid"]] = self.hub.xet.content(stored, value["size"])
                        if value["oid"] not in self.hub.objects:
                            raise Refused(400, "LFS object is not here")
                        tree[value["path"]] = Blob(sha256=value["oid"], size=value["size"])
                    case "deletedFile":
                        del tree[value["path"]]
            oid = repository.add(header["summary"], tree)
        self.send(200, {"success": True, "commitUrl": f"{self.hub.url}/datasets/{name}/commit/{oid}", "commitOid": oid})

    def tag(self, body, name, revision):
        """Name a commit."""
        repository, wanted = self.repository(name, write=True), json.loads(body)["tag"]
        if wanted in repository.tags:
            raise Refused(409, "Tag reference exists already")
        found = repository.at(revision)
        if found is None:
            raise Refused(404, "Revision not found", "RevisionNotFound")
        repository.tags[wanted] = found.oid
        self.send(200, {})

    def info(self, body, name, revision=None):
        """Describe a repository."""
        repository, found = self.repository(name), self.commit_at(name, revision or "main")
        self.send(
            200,
            {
                "id": name,
                "sha": found.oid,
                "lastModified": "2026-01-01T00:00:00.000Z",
                "private": repository.private,
                "gated": False,
                "disabled": False,
                "tags": [],
                "downloads": 0,
                "likes": 0,
                "siblings": [{"rfilename": path} for path in sorted(found.tree)],
            },
        )

    def refs(self, body, name):
        """List branches and tags."""
        repository = self.repository(name)
        tags = [{"name": t, "ref": f"refs/tags/{t}", "targetCommit": oid} for t, oid in repository.tags.items()]
        head = {"name": "main", "ref": "refs/heads/main", "targetCommit": repository.head.oid}
        self.send(200, {"branches": [head], "tags": tags, "converts": []})

    def tree(self, body, name, revision, folder=""):
        """List the files of a folder, page by page."""
        tree, prefix = self.commit_at(name, revision).tree, folder and folder.rstrip("/") + "/"
        inside = {path: blob for path, blob in tree.items() if path.startswith(prefix)}
        if prefix and not inside:
            raise Refused(404, "Entry not found", "EntryNotFound")
        entries, folders = [], set()
        for path, blob in sorted(inside.items()):
            parts = path[len(prefix) :].split("/")
            folders |= {prefix + "/".join(parts[:depth]) for depth in range(1, len(parts))}
            if len(parts) == 1 or self.is_recursive:
                entries.append(self.entry(path, blob))
        shown = folders if self.is_recursive else {f for f in folders if "/" not in f[len(prefix) :]}
        entries += [{"type": "directory", "oid": "0" * 40, "size": 0, "path": f} for f in sorted(shown)]
        start = int(self.query.get("cursor", ["0"])[0])
        rest = f"{self.hub.url}{urlsplit(self.path).path}?recursive={self.is_recursive}&cursor={start + PAGE}"
        headers = {"Link": f'<{rest}>; rel="next"'} if start + PAGE < len(entries) else {}
        self.send(200, entries[start : start + PAGE], headers)

    @property
    def is_recursive(self):
        """Whether all that is below is asked for."""
        return self.query.get("recursive", ["false"])[0].lower() == "true"

    def paths_info(self, body, name, revision):
        """Describe some files and folders."""
        tree = self.commit_at(name, revision).tree
        if "json" in self.headers.get("Content-Type", ""):
            paths = json.loads(body)["paths"]
        else:
            paths = parse_qs(body.decode()).get("paths", [])
        entries = [self.entry(path, tree[path]) for path in paths if path in tree]
        entries += [
            {"type": "directory", "oid": "0" * 40, "size": 0, "path": path}
            for path in paths
            if path not in tree and any(other.startswith(path.rstrip("/") + "/") for other in tree)
        ]
        self.send(200, entries)

    def resolve(self, body, name, revision, path):
        """Return a file, or a range of it."""
        found = self.commit_at(name, revision)
        blob = found.tree.get(path)
        headers = {"X-Repo-Commit": found.oid, "Accept-Ranges": "bytes"}
        if blob is None:
            self.send(404, {"error": "Entry not found"}, headers | {"X-Error-Code": "EntryNotFound"})
            return
        content = self.hub.content(blob)
        headers |= {"ETag": f'"{blob.oid}"', "Content-Type": "application/octet-stream"}
        if blob.sha256:
            headers |= {"X-Linked-Etag": f'"{blob.sha256}"', "X-Linked-Size": len(content)}
        if blob.sha256 and self.hub.xet:
            auth = f"{self.hub.url}/api/datasets/{name}/xet-read-token/{found.oid}"
            headers |= {"X-Xet-Hash": self.hub.xet.hash_of(blob.sha256), "Link": f'<{auth}>; rel="xet-auth"'}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if wanted:
            start, end = int(wanted[1]), min(int(wanted[2] or len(content) - 1), len(content) - 1)
            headers["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
            self.send(206, content[start : end + 1], headers)
            return
        self.send(200, content, headers)


NAME = r"([^/]+/[^/]+)"
API = rf"/api/datasets/{NAME}"
ROUTES = (
    ("GET", "/api/whoami-v2", Handler.whoami),
    ("POST", "/api/repos/create", Handler.create),
    ("POST", "/api/validate-yaml", Handler.validate),
    ("POST", rf"{API}/preupload/(.+)", Handler.preupload),
    ("POST", rf"/datasets/{NAME}\.git/info/lfs/objects/batch", Handler.batch),
    ("PUT", r"/lfs/object/(\w+)", Handler.put_object),
    ("PUT", r"/lfs/part/(\w+)/(\d+)", Handler.put_part),
    ("POST", r"/lfs/complete/(\w+)", Handler.complete),
    ("POST", r"/lfs/verify/(\w+)", Handler.verify_object),
    ("GET", rf"{API}/xet-(read|write)-token/(.+)", Handler.xet_token),
    ("POST", rf"{API}/commit/(.+)", Handler.commit),
    ("POST", rf"{API}/tag/(.+)", Handler.tag),
    ("GET", rf"{API}/refs", Handler.refs),
    ("GET", rf"{API}/revision/(.+)", Handler.info),
    ("GET", rf"{API}/tree/([^/]+)", Handler.tree),
    ("GET", rf"{API}/tree/([^/]+)/(.+)", Handler.tree),
    ("POST", rf"{API}/paths-info/(.+)", Handler.paths_info),
    ("GET", API, Handler.info),
    ("GET HEAD", rf"/datasets/{NAME}/resolve/([^/]+)/(.+)", Handler.resolve),
)
