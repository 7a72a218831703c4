"""Processes of their own in a blink: forked from one that has loaded everything, which takes longer than most tests.

They have their own directory, environment and streams, and may be killed. What is read from the environment while
Python or a library is loaded needs a process from scratch: `subprocess`.
"""

import atexit
import multiprocessing
import os
import runpy
import signal
import sys
import tempfile
import threading
import traceback
from functools import lru_cache
from multiprocessing import forkserver
from pathlib import Path
from subprocess import CompletedProcess, TimeoutExpired

PRELOADED = "tests.preloaded"


@lru_cache
def server():
    """Start the process that all others are forked from, and return what starts them."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([PRELOADED])
    before = os.environ.get("PYTHONPATH")
    # It finds the modules of the tests wherever a test has gone to.
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])
    try:
        forkserver.ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
    return context


class Forked:
    """A process that calls a function, as `subprocess.Popen` shows one."""

    def __init__(self, function, *arguments, cwd, environment, in_session=False):
        self._streams = [tempfile.NamedTemporaryFile("w+", encoding="utf-8") for _ in range(2)]  # noqa: SIM115
        names = [stream.name for stream in self._streams]
        call = (function, arguments, str(cwd), dict(environment), names, in_session)
        self._process = server().Process(target=_run, args=call)
        self._process.start()
        self._said: tuple[str, ...] = ()
        self.pid = self._process.pid

    @property
    def returncode(self):
        """The exit code, or the negative number of the signal that has ended it; None while it runs."""
        return self._process.exitcode

    def poll(self):
        return self.returncode

    def wait(self, timeout=None):
        self._process.join(timeout)
        if self.returncode is None:
            raise TimeoutExpired(self._process.name, timeout)
        while self._streams:
            with self._streams.pop(0) as stream:
                stream.seek(0)
                self._said += (stream.read(),)
        return self.returncode

    def communicate(self, timeout=None):
        """Wait until it has ended, and return what it has written to its streams."""
        self.wait(timeout)
        return self._said

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)


def _run(function, arguments, cwd, environment, streams, in_session):
    """Become a process as a shell would start it, and call the function."""
    assert PRELOADED in sys.modules, "the server has loaded nothing: import tests.preloaded to see why"
    if in_session:
        os.setsid()
    for number, name in zip((1, 2), streams, strict=True):
        os.dup2(os.open(name, os.O_WRONLY | os.O_APPEND), number)
    # Its own processes are started as Python starts them by itself.
    multiprocessing.set_start_method(None, force=True)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.path.insert(0, cwd)
    sys.stdout, sys.stderr = (open(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))  # noqa: SIM115
    code = 1
    try:
        function(*arguments)
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        # What Python does when it ends.
        threading._shutdown()  # type: ignore[attr-defined]  # private, as the next one
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)


def command_line(*arguments):
    """Run the command line with these arguments."""
    from corruptgen.cli import main  # noqa: PLC0415

    sys.argv = ["corruptgen", *arguments]
    main()


def script(path, *arguments):
    """Run a Python file."""
    place = Path(path).resolve()
    sys.argv = [path, *arguments]
    sys.path[0] = str(place.parent)
    # By its whole path, at which processes that it starts look for it.
    runpy.run_path(str(place), run_name="__main__")


def completed(function, *arguments, cwd, environment):
    """Run a function to its end in a process of its own."""
    child = Forked(function, *arguments, cwd=cwd, environment=environment)
    said, complained = child.communicate()
    return CompletedProcess([*arguments], child.returncode, said, complained)
