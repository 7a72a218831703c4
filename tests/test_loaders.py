"""Data loaders: no noise comes twice, a run can be repeated, and workers, processes and ranks change nothing."""

import json
import multiprocessing
import os
import subprocess
import sys

import numpy as np
import pytest

from corruptgen import generate
from tests.loaders import COUNT, FLAT, digest, loaded
from tests.photographs import ROOT, pixels_of, write_photographs, write_recipe

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")

PROCESSES = [
    pytest.param(0, None, False, id="in this process"),
    pytest.param(1, "fork", False, id="one worker, forked"),
    pytest.param(4, "fork", False, id="four workers, forked"),
    pytest.param(4, "fork", True, id="four workers, forked, persistent"),
    pytest.param(1, "spawn", True, id="one worker, spawned, persistent"),
    pytest.param(4, "spawn", False, id="four workers, spawned", marks=pytest.mark.long),
    pytest.param(4, "spawn", True, id="four workers, spawned, persistent", marks=pytest.mark.long),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Photographs and what `generate` made of them: digests of the pixels of every file in the order of the ids."""
    place = tmp_path_factory.mktemp("made")
    names = write_photographs(place / "photographs", COUNT)
    recipe = write_recipe(
        place, top="seed = 7", corrupt='rows = ["gaussian_noise"]\nseverities = [2]', preset="natural"
    )
    generate(recipe, output=place / "out", workers=1)
    files = [digest(pixels_of(place / "out" / "gaussian_noise" / "2" / name)) for name in sorted(names)]
    return place / "photographs", files


@pytest.fixture(scope="module")
def alone():
    """What comes out without workers."""
    return loaded(0)


@pytest.mark.parametrize(("workers", "context", "persistent"), PROCESSES)
def test_a_loader_repeats_no_noise_and_gives_the_files_of_generate(made, alone, workers, context, persistent):
    root, files = made

    fresh, keyed, corrupted = loaded(workers, context, persistent, root)

    assert len(set(fresh)) == len(fresh) == 2 * 2 * COUNT
    assert keyed == alone[1]
    assert len({*keyed[0], *keyed[1]}) == 2 * COUNT
    assert corrupted == [files, files]


@pytest.mark.parametrize(("workers", "persistent"), [(0, False), (2, False), (2, True)])
def test_a_run_is_repeated_by_seeding_torch(workers, persistent):
    context = "fork" if workers else None

    once, again, other = (loaded(workers, context, persistent, seed=seed)[0] for seed in (11, 11, 12))

    assert once == again
    assert not set(once) & set(other)


def ranks(tmp_path, context):
    meeting = f"file://{tmp_path / 'meeting'}"
    members = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.loaders", str(number), meeting, context],
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if name != "RANK"} | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    outputs = [member.communicate(timeout=120) for member in members]
    assert [member.returncode for member in members] == [0, 0], outputs
    return json.loads(outputs[0][0])


@pytest.mark.parametrize("context", ["fork", pytest.param("spawn", marks=pytest.mark.long)])
def test_two_ranks_that_are_seeded_alike_draw_differently_and_keys_do_not_know_of_ranks(tmp_path, alone, context):
    both = ranks(tmp_path, context)

    for workers in ("0", "1"):
        fresh = [noise for one in both for noise in one[workers]["fresh"]]
        draws = [key for one in both for key in one[workers]["draws"]]
        keyed = [noise for pair in zip(*(one[workers]["keyed"] for one in both), strict=True) for noise in pair]
        assert len(set(fresh)) == len(fresh) == 2 * COUNT
        assert len(set(draws)) == 2
        assert keyed == alone[1][0]


def noise(transform):
    return digest(transform(FLAT))


def test_processes_that_are_forked_without_a_loader_draw_differently():
    from corruptgen.transforms import GaussianNoise  # noqa: PLC0415

    transform = GaussianNoise(0.1)

    with multiprocessing.get_context("fork").Pool(3) as pool:
        found = pool.map(noise, [transform] * 12, chunksize=1)

    assert len({*found, noise(transform)}) == 13


def test_without_torch_pythons_generator_is_followed():
    code = (
        "import random, sys, numpy; from corruptgen.transforms import GaussianNoise\n"
        "image, transform = numpy.full((8, 8, 3), 128, 'uint8'), GaussianNoise(0.1)\n"
        "def noise(seed): random.seed(seed); return [transform(image).tobytes() for _ in range(3)]\n"
        "assert noise(1) == noise(1) != noise(2) and len(set(noise(1))) == 3 and 'torch' not in sys.modules"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_a_forked_worker_keeps_opencv_to_one_thread():
    import cv2  # noqa: PLC0415
    from torch.utils.data import DataLoader  # noqa: PLC0415

    from corruptgen.transforms import GaussianNoise  # noqa: PLC0415

    class Threads:
        def __len__(self):
            return 1

        def __getitem__(self, index):
            GaussianNoise(0.1)(np.zeros((8, 8, 3), np.uint8))
            return cv2.getNumThreads()

    assert [int(batch[0]) for batch in DataLoader(Threads(), num_workers=1, multiprocessing_context="fork")] == [1]


FORKED = """
import time

import cv2, numpy as np
from torch.utils.data import DataLoader
from corruptgen import Corrupt

cv2.setNumThreads(2)
cv2.GaussianBlur(np.zeros((2000, 2000, 3), np.uint8), (0, 0), 5)  # OpenCV has threads now, which a fork does not
time.sleep(0.5)  # and they wait for work
noise = Corrupt("natural", rows=["gaussian_noise"], severity=3)


class Grey:
    def __len__(self):
        return 2

    def __getitem__(self, index):
        return noise(np.full((40, 40, 3), 128, np.uint8))


print(len(list(DataLoader(Grey(), num_workers=1, multiprocessing_context="fork"))))
"""


def test_a_forked_worker_does_not_wait_for_the_threads_of_opencv_that_its_parent_has():
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, check=False, timeout=60)

    assert done.stdout == "2\n", done.stderr
