"""Builds in processes of their own, which tests may kill."""

import os
import random
import signal
import time
from pathlib import Path

from tests.forks import Forked, command_line
from tests.photographs import ROOT

# The layouts that every crash must leave whole; a new one is a new word here.
FORMATS = ("folder", "parquet", "npy", "npz", "webdataset")


def begun(place, *arguments):
    """Start a build in a process group of its own."""
    return Forked(
        command_line,
        *("generate", "recipe.toml", *map(str, arguments)),
        cwd=place,
        environment=os.environ | {"PYTHONPATH": str(ROOT)},
        in_session=True,
    )


def made(output):
    """Count the whole files in an output."""
    return sum(not name.startswith(".") for _, _, names in os.walk(output) for name in names)


def wait_for(child, output, files):
    """Wait until a build has written n files, or has ended."""
    while child.poll() is None and made(output) < files:
        time.sleep(0.005)


def group(child):
    """Return the living processes of a build, itself first."""
    members = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            number, rest = place.read_text().split(" (", 1)
        except OSError:
            continue
        state, _, process_group = rest.rpartition(") ")[2].split()[:3]
        if int(process_group) == child.pid and state not in "ZX":
            members.append(int(number))
    return sorted(members, key=lambda member: member != child.pid)


def workers(child):
    """Return the processes of a build that make images."""
    found = []
    for member in group(child)[1:]:
        try:
            line = Path(f"/proc/{member}/cmdline").read_bytes()
        except OSError:
            continue
        if b"popen_loky" in line:
            found.append(member)
    return found


def kill(child, whom, rng=random):
    """Kill the parent, some of the workers, or all at once."""
    match whom:
        case "parent":
            targets = [child.pid]
        case "workers":
            living = workers(child)
            targets = rng.sample(living, rng.randint(1, len(living))) if living else []
        case "group":
            targets = group(child)
    for target in targets:
        try:
            os.kill(target, signal.SIGKILL)
        except ProcessLookupError:
            continue
    if whom != "workers":
        child.wait()


def gone(child, seconds=10):
    """Wait until nothing of a build lives, and report whether that came to pass."""
    deadline = time.monotonic() + seconds
    while group(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not group(child)
