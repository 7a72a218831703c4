"""The engine: the same bytes from any backend, any split into shards and any number of workers."""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings

import cv2
import numba
import numpy as np
import pytest
from PIL import Image
from threadpoolctl import threadpool_info

import corruptgen
from corruptgen.codecs.images import decoded
from corruptgen.engine import manifest
from corruptgen.engine import ownership as claim
from corruptgen.engine.backends import WorkerConfig
from corruptgen.engine.progress import results
from corruptgen.engine.shards import Shard
from corruptgen.errors import Interrupted, OutputError, RecipeError, Rejected, SourceError, WorkerError
from corruptgen.records import Decoding
from corruptgen.store.lock import hold_lock
from corruptgen.store.output_directory import OutputDirectory, item_name
from corruptgen.threads import single_threaded
from corruptgen.verification.verdict import verify
from tests.builds import begun, gone, group, wait_for, workers
from tests.photographs import ROOT, command, tree, write_photographs, write_recipe

LONG = pytest.mark.long


@pytest.fixture
def place(tmp_path):
    write_photographs(tmp_path / "photographs", 40, size=(24, 32))
    write_recipe(tmp_path)
    return tmp_path


@pytest.fixture
def whole(place):
    """The tree of a build that one process has made without a break."""
    corruptgen.generate(place / "recipe.toml", output=place / "whole", workers=1)
    return tree(place / "whole")


@pytest.mark.parametrize(
    ("backend", "count"), [("sequential", None), ("threading", 3), ("loky", 1), ("loky", 2), ("loky", 4)]
)
def test_every_backend_writes_the_same_bytes(place, whole, backend, count):
    outcome = corruptgen.generate(place / "recipe.toml", output=place / "out", backend=backend, workers=count)

    assert outcome.files == 240
    assert tree(place / "out") == whole


def test_a_dask_cluster_writes_the_same_bytes(place, whole):
    distributed = pytest.importorskip("distributed")
    settings = {"host": "127.0.0.1", "dashboard_address": None, "processes": True}
    # What the cluster says about its own sockets while it ends is not ours.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with distributed.LocalCluster(n_workers=1, threads_per_worker=2, **settings) as cluster:
            done = command(
                "generate", "recipe.toml", "--output", "there", "--address", cluster.scheduler_address, cwd=place
            )
    own = command("generate", "recipe.toml", "--output", "own", "--backend", "dask", "--workers", "2", cwd=place)

    assert done.returncode == 0, done.stderr
    assert tree(place / "there") == whole
    assert own.returncode == 0, own.stderr
    assert tree(place / "own") == whole
    assert "Traceback" not in done.stderr + own.stderr


def process_after(seconds):
    """Return which process has made this call."""
    time.sleep(seconds)
    return os.getpid()


@pytest.mark.long
def test_workers_that_join_a_dask_cluster_are_used_and_calls_of_lost_ones_are_made_again():
    distributed = pytest.importorskip("distributed")
    settings = {"host": "127.0.0.1", "dashboard_address": None, "processes": True, "threads_per_worker": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with distributed.LocalCluster(n_workers=1, **settings) as cluster:
            worker_config = WorkerConfig(backend="dask", address=cluster.scheduler_address)
            found = results(((process_after, (0.1,)) for _ in range(40)), worker_config)
            alone = next(found)
            cluster.scale(2)
            cluster.wait_for_workers(2)
            os.kill(alone, signal.SIGKILL)
            others = list(found)

    assert len(others) == 39
    assert len({alone, *others}) >= 2


@pytest.mark.long
def test_calls_of_a_lost_ray_worker_are_made_again_and_results_come_one_by_one():
    ray = pytest.importorskip("ray", reason="the extra [ray] is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
        try:
            found = results(((process_after, (0.2,)) for _ in range(20)), WorkerConfig(backend="ray"))
            first = next(found)
            os.kill(first, signal.SIGKILL)
            others = list(found)
        finally:
            ray.shutdown()

    assert len(others) == 19
    assert set(others) - {first}


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "[::1]:1"])
def test_a_ray_cluster_that_is_not_there_is_told(place, address):
    pytest.importorskip("ray", reason="the extra [ray] is not installed")

    with pytest.raises(WorkerError, match=r"the Ray cluster at .*:1 does not answer"):
        list(results([(threads, (0,))], WorkerConfig(backend="ray", address=address)))


@pytest.mark.long
def test_a_ray_cluster_of_others_writes_the_same_bytes(place, whole):
    ray = pytest.importorskip("ray", reason="the extra [ray] is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
        try:
            address = ray.get_runtime_context().gcs_address
            done = command(
                "generate", "recipe.toml", "--output", "out", "--backend", "ray", "--address", address, cwd=place
            )
        finally:
            ray.shutdown()

    assert done.returncode == 0, done.stderr
    assert tree(place / "out") == whole


@pytest.mark.long
def test_a_ray_instance_writes_the_same_bytes(place, whole):
    pytest.importorskip("ray", reason="the extra [ray] is not installed")

    done = command("generate", "recipe.toml", "--output", "out", "--backend", "ray", "--workers", "2", cwd=place)

    assert done.returncode == 0, done.stderr
    assert tree(place / "out") == whole


@pytest.mark.parametrize("count", [1, 3, 7])
def test_shards_become_the_same_dataset(place, whole, count):
    for number in range(count, 0, -1):
        corruptgen.generate(place / "recipe.toml", output=place / "out", workers=1, shard=f"{number}/{count}")
        assert not (place / "out/manifest.json").exists()

    first = corruptgen.merge(place / "out")
    again = corruptgen.merge(place / "out")

    assert tree(place / "out") == whole
    assert (first.items, first.files, first.was_finished) == (40, 240, False)
    assert (again.items, again.files, again.was_finished) == (40, 240, True)


def test_shards_of_one_output_are_made_side_by_side(place, whole):
    children = [begun(place, "--output", "out", "--shard", f"{number}/3", "--workers", 1) for number in (1, 2, 3)]
    said = [child.communicate(timeout=120) for child in children]

    done = command("merge", "out", cwd=place)

    assert [child.returncode for child in children] == [0, 0, 0], said
    assert "once all shards are: corruptgen merge out" in said[0][0]
    assert done.returncode == 0, done.stderr
    assert "out is merged: 40 items × 6 cells = 240 images" in done.stdout
    assert tree(place / "out") == whole


def test_what_was_begun_in_shards_can_be_finished_without(place, whole):
    corruptgen.generate(place / "recipe.toml", output=place / "out", workers=1, shard="2/3")

    corruptgen.generate(place / "recipe.toml", output=place / "out", workers=1)

    assert tree(place / "out") == whole


def test_merging_names_the_blocks_and_shards_that_are_missing(place):
    corruptgen.generate(place / "recipe.toml", output=place / "out", workers=1, shard="2/3")
    before = tree(place / "out")

    missing = r"blocks 0, 2-3 are missing or not whole; run generate with --shard 1/3, 3/3 again"
    with pytest.raises(OutputError, match=missing):
        corruptgen.merge(place / "out")

    assert tree(place / "out") == before


def test_merging_finds_a_file_that_is_gone(place):
    for number in (1, 2):
        corruptgen.generate(place / "recipe.toml", output=place / "out", workers=1, shard=f"{number}/2")
    next((place / "out/brightness/1").rglob("*.png")).unlink()

    with pytest.raises(OutputError, match=r"blocks \d are missing or not whole; run generate with --shard [12]/2"):
        corruptgen.merge(place / "out")


def test_merging_refuses_shards_that_other_versions_made(place, monkeypatch):
    corruptgen.generate(place / "recipe.toml", output=place / "out", workers=1, shard="1/2")
    now = manifest.environment()
    monkeypatch.setattr(manifest, "environment", lambda recipe: now | {"numpy": "1.0"})
    with pytest.raises(OutputError, match="begun with other versions"):
        corruptgen.generate(place / "recipe.toml", output=place / "out", workers=1, shard="2/2")
    corruptgen.generate(place / "recipe.toml", output=place / "elsewhere", workers=1, shard="2/2")
    monkeypatch.undo()
    shutil.copytree(place / "elsewhere", place / "out", dirs_exist_ok=True)

    with pytest.raises(OutputError, match=r"other versions \(numpy 1\.0, now"):
        corruptgen.merge(place / "out")


def test_merging_refuses_shards_of_another_recipe(place):
    corruptgen.generate(place / "recipe.toml", output=place / "out", workers=1, shard="1/2")
    other = write_recipe(place, top="seed = 1")
    with pytest.raises(OutputError, match="another build"):
        corruptgen.generate(other, output=place / "out", workers=1, shard="2/2")
    corruptgen.generate(other, output=place / "elsewhere", workers=1, shard="2/2")
    shutil.copytree(place / "elsewhere", place / "out", dirs_exist_ok=True)

    with pytest.raises(OutputError, match="shards 1/2 and 2/2 do not belong together: their recipe differ") as caught:
        corruptgen.merge(place / "out")
    assert "recipe.seed (0 in shard 1/2, 1 in 2/2)" in str(caught.value)


def test_merging_needs_shards(place):
    (place / "empty").mkdir()

    with pytest.raises(OutputError, match="holds no shards"):
        corruptgen.merge(place / "empty")
    assert not list((place / "empty").iterdir())


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "1/0", "-1/3", "a/b", "1/3/5"])
def test_a_shard_is_a_number_over_how_many_there_are(text):
    with pytest.raises(RecipeError, match="from 1/16 to 16/16"):
        Shard.parse(text)


def test_every_block_is_in_one_shard():
    shards = [Shard(number, 7) for number in range(1, 8)]

    assert all(sum(shard.holds(block) for shard in shards) == 1 for block in range(100))


def test_two_builds_do_not_share_an_output(place, whole):
    with hold_lock(place / "out"), pytest.raises(OutputError, match="out is being written by another process; wait"):
        corruptgen.generate(place / "recipe.toml", output=place / "out", workers=1)
    with hold_lock(place / "out", *Shard(1, 2).locked_as):
        with pytest.raises(OutputError, match="shard 1/2 of the output out is being written"):
            corruptgen.generate(place / "recipe.toml", output=place / "out", workers=1, shard="1/2")
        with pytest.raises(OutputError, match="out is being written"):
            corruptgen.merge(place / "out")
        corruptgen.generate(place / "recipe.toml", output=place / "out", workers=1, shard="2/2")

    corruptgen.generate(place / "recipe.toml", output=place / "out", workers=1)
    assert tree(place / "out") == whole


def test_the_lock_of_a_killed_process_stops_nobody(place, whole):
    child = begun(place, "--output", "out", "--workers", 1)
    while child.poll() is None and not (place / "out/.corruptgen.lock").exists():
        time.sleep(0.001)
    os.killpg(child.pid, signal.SIGKILL)
    child.communicate()
    assert (place / "out/.corruptgen.lock").exists()

    corruptgen.generate(place / "recipe.toml", output=place / "out", workers=1)

    assert tree(place / "out") == whole


def test_a_failed_build_leaves_no_directory(place):
    write_recipe(place, corrupt='rows = ["nothing"]')

    assert command("generate", "recipe.toml", "--output", "out", cwd=place).returncode == 2
    assert not (place / "out").exists()


@pytest.mark.parametrize(
    "damage",
    ["flipped", pytest.param("truncated", marks=LONG), "table", pytest.param("table not finished", marks=LONG)],
)
def test_check_makes_again_what_does_not_verify(place, whole, damage):
    corruptgen.generate(place / "recipe.toml", output=place / "out", workers=1)
    victim = sorted((place / "out/gaussian_noise/2").rglob("*.png"))[17]
    if damage.startswith("table"):
        victim = place / "out/items/00001.jsonl"
        (place / "out/manifest.json").unlink() if "not finished" in damage else None
    content = bytearray(victim.read_bytes())
    if damage == "truncated":
        del content[-1:]
    elif damage == "table not finished":
        del content[len(content) // 2 :]
    else:
        content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    if "not finished" not in damage:
        assert command("verify", "out", "--workers", 1, cwd=place).returncode == 1

    done = command("generate", "recipe.toml", "--output", "out", "--check", "--workers", 2, cwd=place)
    again = command("generate", "recipe.toml", "--output", "out", "--check", "--workers", 1, cwd=place)

    assert done.returncode == 0, done.stderr
    assert "is finished:" in done.stdout
    assert "is finished already" in again.stdout
    assert tree(place / "out") == whole


def test_check_does_not_overwrite_what_a_changed_source_no_longer_gives(place):
    corruptgen.generate(place / "recipe.toml", output=place / "out", workers=1)
    victim = place / "out/brightness/2/astronaut/00.png"
    victim.write_bytes(victim.read_bytes()[:-1] + b"x")
    Image.new("RGB", (32, 24)).save(place / "photographs/astronaut/00.png")
    before = tree(place / "out")

    with pytest.raises(SourceError, match=r"astronaut/00\.png has changed"):
        corruptgen.generate(place / "recipe.toml", output=place / "out", workers=1, check=True)

    assert tree(place / "out") == before


def test_a_build_that_is_asked_to_stop_ends_after_the_block(place, whole):
    blocks = []

    with pytest.raises(Interrupted, match="of 40 items are done"):
        corruptgen.generate(
            place / "recipe.toml",
            output=place / "out",
            workers=1,
            progress=lambda done, total: blocks.append(done),
            stop=lambda: len(blocks) > 2,
        )

    assert blocks == [0, 8, 16]
    assert len(list((place / "out/items").iterdir())) == 2
    corruptgen.generate(place / "recipe.toml", output=place / "out", workers=1)
    assert tree(place / "out") == whole


@pytest.mark.parametrize(
    ("name", "backend"),
    [
        ("SIGTERM", "loky"),
        ("SIGINT", "threading"),
        pytest.param("SIGINT", "loky", marks=LONG),
        pytest.param("SIGTERM", "threading", marks=LONG),
    ],
)
def test_a_signal_ends_the_build_cleanly(tmp_path, backend, name):
    write_photographs(tmp_path / "photographs", 60, size=(96, 96))
    write_recipe(tmp_path)
    child = begun(tmp_path, "--output", "out", "--workers", 2, "--backend", backend)
    wait_for(child, tmp_path / "out", 60)
    os.killpg(child.pid, getattr(signal, name))
    _, said = child.communicate(timeout=60)
    assert gone(child)
    tables = {path.name for path in (tmp_path / "out/items").iterdir()}

    done = command("generate", "recipe.toml", "--output", "out", "--workers", 1, "--json", cwd=tmp_path)

    assert child.returncode == 128 + getattr(signal, name)
    assert said == "corruptgen: error: interrupted; run the same command again to resume\n"
    assert not [path for path in (tmp_path / "out").rglob(".*") if path.name != ".corruptgen.json"]
    assert tables
    first = json.loads(done.stdout.splitlines()[1])
    assert first["items"] >= 7 * len(tables)
    assert done.returncode == 0, done.stderr


def test_a_second_signal_ends_the_build_at_once(tmp_path):
    write_photographs(tmp_path / "photographs", 8, size=(256, 256))
    write_recipe(tmp_path, preset="natural")
    child = begun(tmp_path, "--output", "out", "--workers", 1)
    wait_for(child, tmp_path / "out", 20)
    child.send_signal(signal.SIGTERM)
    time.sleep(1)
    child.send_signal(signal.SIGTERM)
    _, said = child.communicate(timeout=60)

    assert child.returncode == 143
    assert "run the same command again to resume" in said
    assert not (tmp_path / "out/items/00000.jsonl").exists()
    assert not list((tmp_path / "out").rglob("*.corruptgen-part"))


def test_no_worker_outlives_its_parent(tmp_path):
    write_photographs(tmp_path / "photographs", 60, size=(96, 96))
    write_recipe(tmp_path)
    child = begun(tmp_path, "--output", "out", "--workers", 3)
    wait_for(child, tmp_path / "out", 20)
    assert len(workers(child)) == 3

    child.kill()
    child.communicate()

    assert gone(child), group(child)


def test_a_worker_that_dies_is_told_and_nothing_is_lost(tmp_path):
    write_photographs(tmp_path / "photographs", 60, size=(96, 96))
    write_recipe(tmp_path)
    child = begun(tmp_path, "--output", "out", "--workers", 2)
    wait_for(child, tmp_path / "out", 60)
    os.kill(workers(child)[0], signal.SIGKILL)
    _, said = child.communicate(timeout=60)

    assert child.returncode == 1
    assert said.count("\n") == 1, said
    assert "the memory was full; the same command with fewer --workers resumes" in said
    assert not list((tmp_path / "out").rglob("*.corruptgen-part"))
    corruptgen.generate(tmp_path / "recipe.toml", output=tmp_path / "out", workers=1)
    corruptgen.generate(tmp_path / "recipe.toml", output=tmp_path / "whole", workers=1)
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


def ended():
    os.kill(os.getpid(), signal.SIGKILL)


def test_the_library_tells_of_a_worker_that_died():
    with pytest.raises(WorkerError, match="resumes"):
        list(results([(ended, ()), (ended, ())], WorkerConfig(2)))


def threads(number):
    time.sleep(0.1)
    with single_threaded():
        blas = [library["num_threads"] for library in threadpool_info()]
        return cv2.getNumThreads(), max(blas, default=1), numba.get_num_threads(), number


@pytest.mark.parametrize(
    "worker_config",
    [
        WorkerConfig(2),
        WorkerConfig(2, "threading"),
        WorkerConfig(1, "sequential"),
        pytest.param(WorkerConfig(1, "dask"), marks=LONG),
        pytest.param(WorkerConfig(1, "ray"), marks=LONG),
    ],
    ids=lambda worker_config: worker_config.kind,
)
def test_workers_keep_to_one_thread(worker_config):
    pytest.importorskip({"dask": "distributed", "ray": "ray"}.get(worker_config.kind, "joblib"))
    before = cv2.getNumThreads(), numba.get_num_threads()

    # What a cluster says about its own sockets while it ends is not ours.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = list(results(((threads, (number,)) for number in range(4)), worker_config))

    assert {row[:3] for row in rows} == {(1, 1, 1)}
    assert {row[3] for row in rows} == set(range(4))
    assert (cv2.getNumThreads(), numba.get_num_threads()) == before


def test_decoding_is_strict_in_every_thread(place):
    good = next((place / "photographs").rglob("*.png")).read_bytes()
    half = place / "half.tif"
    Image.effect_noise((64, 64), 50).save(half, tiffinfo={270: "x" * 400})
    bad = half.read_bytes()[:-30]
    outcomes, loud = [], []

    def decode():
        for _ in range(40):
            decoded(good, Decoding())
            try:
                decoded(bad, Decoding())
                outcomes.append("taken")
            except Rejected:
                outcomes.append("rejected")

    def warn():
        for _ in range(400):
            try:
                np.log(np.zeros(1))
                warnings.warn("from a corruption", RuntimeWarning, stacklevel=1)
            except RuntimeWarning as warning:
                loud.append(warning)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        crowd = [threading.Thread(target=decode) for _ in range(4)] + [threading.Thread(target=warn)]
        for thread in crowd:
            thread.start()
        for thread in crowd:
            thread.join()

    assert set(outcomes) == {"rejected"}
    assert not loud


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--backend", "cloud"], "allowed are loky, threading, sequential, dask, ray"),
        (["--backend", "loky", "--address", "x:1"], "backend loky takes no address; dask and ray do"),
        (
            ["--address", "x:1"],
            "'x:1' may be of a Dask scheduler or of a Ray cluster; add --backend dask or --backend ray",
        ),
        (["--address", "tcp://127.0.0.1:8786", "--workers", "2"], "has its own number of workers"),
        (["--shard", "3/2"], "from 1/16 to 16/16"),
        (["--shard", "1/2", "--overwrite"], "would remove what the other shards make"),
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(place, arguments, message):
    done = command("generate", "recipe.toml", *arguments, cwd=place)

    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_json_is_one_object_per_line(place):
    done = command("generate", "recipe.toml", "--output", "out", "--workers", 1, "--json", cwd=place)
    failed = command("generate", "recipe.toml", "--output", "recipe.toml", "--json", cwd=place)

    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["event"] for event in events] == ["planned", *["progress"] * 6, "finished"]
    assert events[0] | {"event": ""} == {
        "event": "", "name": "small-c", "version": "1.0.0", "shard": None, "items": 40, "cells": 6, "images": 240,
    }  # fmt: skip
    assert (events[-2]["items"], events[-2]["of"], events[-2]["seconds_left"]) == (40, 40, 0)
    assert events[-2]["images_per_second"] > 0
    assert events[-1]["images"] == 240
    assert json.loads(failed.stdout.splitlines()[-1])["event"] == "failed"
    assert done.stderr == ""


def test_a_terminal_shows_cells_pace_and_time_left(place):
    ours, theirs = pty.openpty()
    subprocess.run(
        [sys.executable, "-m", "corruptgen", "generate", "recipe.toml", "--workers", "1"],
        cwd=place, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=theirs, stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    shown = os.read(ours, 100_000).decode()
    os.close(theirs)
    os.close(ours)

    assert "40/40 items × 6 cells" in shown
    assert "images/s" in shown
    assert " left]" in shown


def test_the_claim_names_what_a_build_consists_of(place):
    plan = corruptgen.engine.plan.make_plan(place / "recipe.toml")

    (images, targets), tables = claim.expected_files(plan, OutputDirectory(place / "out"))

    assert len(tables) == 5
    assert all(images(f"brightness/1/{item_name(item, '.png')}") is not None for item in plan.listing.items)
    assert images("brightness/1/nobody.png") is None
    assert targets("annotations.json") is None


@pytest.mark.parametrize("form", ["folder", "npz"])
def test_an_output_is_copied_to_an_object_store_and_back_as_the_docs_say(tmp_path, monkeypatch, form):
    write_photographs(tmp_path / "photographs", 6)
    corruptgen.generate(
        write_recipe(tmp_path, output=f'format = "{form}"'), output=tmp_path / "photographs-c", workers=1
    )
    document = (ROOT / "docs/engine.md").read_text("utf-8")
    upload, fetch = (s for s in re.findall(r"```python\n(.*?)```", document, re.DOTALL) if "fsspec" in s)
    monkeypatch.chdir(tmp_path)

    for snippet in (upload, upload, fetch):
        assert "s3://bucket" in snippet
        exec(snippet.replace("s3://bucket", f"memory://{form}"), {})

    assert tree(tmp_path / "fetched") == tree(tmp_path / "photographs-c")
    assert verify(tmp_path / "fetched", workers=1).problems == ()
    if form == "folder":
        again = tmp_path / "again.toml"
        written = (tmp_path / "recipe.toml").read_text("utf-8")
        again.write_text(written.replace('"photographs"', '"memory://folder/photographs-c/brightness/2"'), "utf-8")
        assert corruptgen.generate(again, output=tmp_path / "twice", workers=1).items == 6


def test_the_build_on_paper_follows_from_the_figure_that_was_measured():
    document = (ROOT / "docs/engine.md").read_text("utf-8")
    (pace,) = re.findall(r"\*\*(\d+) images/s per core\*\*", document)

    script = [sys.executable, ROOT / "scripts/paper_build.py", pace]
    done = subprocess.run(script, capture_output=True, text=True, check=True)

    assert f"`python scripts/paper_build.py {pace}`" in document
    assert done.stdout in document


def test_the_docs_name_every_option_of_the_engine():
    shown = (ROOT / "docs/engine.md").read_text("utf-8")

    for word in ("--backend", "--address", "--shard", "--check", "--json", "--quiet", "merge"):
        assert word in shown
