"""Clients in processes of their own: the command line and snippets, which talk to a server of ours alone."""

import json
import os
import subprocess
import sys

from tests.photographs import ROOT

WRITER, READER = "hf_writerwriterwriterwriter", "hf_readerreaderreaderreader"


def environment(url, place, token=WRITER, **more):
    """Return what makes the real client talk to a server of ours, with nothing of this machine's own settings."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR", "NUMBA_CACHE_DIR") if name in os.environ}
    return kept | {
        "HF_ENDPOINT": url,
        "HF_HOME": str(place / "hf"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_XET": "1",
        "HOME": str(place / "home"),
        "PYTHONPATH": str(ROOT),
        **({"HF_TOKEN": token} if token else {}),
        **more,
    }


def begun(*arguments, cwd, env):
    """Start the command line."""
    return subprocess.Popen(
        [sys.executable, "-m", "corruptgen.cli", *map(str, arguments)],
        cwd=cwd,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


class Session:
    """One process with the real client in it that runs one command after the other, as that costs most at the start."""

    def __init__(self, url, place, hub=None, **more):
        self.hub = hub  # the server, for tests that change what it answers
        self.place, self.env = place, environment(url, place, **more)
        (place / "home").mkdir(exist_ok=True)
        self._child = subprocess.Popen(
            [sys.executable, "-c", SERVING],
            cwd=place,
            env=self.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments, token=WRITER):
        """Run the command line."""
        return self._asked({"arguments": [str(argument) for argument in arguments], "token": token})

    def python(self, code):
        """Run a snippet, and return what it has put into `result`."""
        done = self._asked({"code": code, "token": WRITER})
        assert done.returncode == 0, done.stderr
        return done.stdout

    def close(self):
        """End the process."""
        self._child.stdin.close()
        self._child.wait(30)
        self._child.stdout.close()

    def _asked(self, wanted):
        self._child.stdin.write(json.dumps(wanted) + "\n")
        self._child.stdin.flush()
        code, said, told = json.loads(self._child.stdout.readline())
        return subprocess.CompletedProcess(wanted.get("arguments"), code, said, told)


# Answers on the real stdout, which the commands do not see.
SERVING = """
import json, logging, os, sys, traceback
from typer.testing import CliRunner
from corruptgen.cli import app
logging.raiseExceptions = False  # the client's log goes to the stderr of the first command, which is closed by then
for line in sys.stdin:
    wanted = json.loads(line)
    os.environ.pop("HF_TOKEN", None)
    if wanted["token"]:
        os.environ["HF_TOKEN"] = wanted["token"]
    if "code" in wanted:
        names = {}
        try:
            exec(wanted["code"], names)
            answer = 0, names.get("result"), ""
        except Exception:
            answer = 1, "", traceback.format_exc()
    else:
        done = CliRunner().invoke(app, wanted["arguments"])
        wrong = done.exception and not isinstance(done.exception, SystemExit)
        trace = "".join(traceback.format_exception(done.exception)) if wrong else ""
        answer = done.exit_code, done.stdout, done.stderr + trace
    print(json.dumps(answer), file=sys.__stdout__, flush=True)
"""
