"""Records that were changed: manifest, marker, tables and records of shards are checked before they are used."""

import json
import shutil

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

import corruptgen
from corruptgen.engine.manifest import MANIFEST, MARKER, manifest_bytes, parse_record
from corruptgen.engine.shard_merge import merge
from corruptgen.errors import CorruptgenError, OutputError, ScoreError
from corruptgen.gallery.dataset_view import gallery_of_dataset
from corruptgen.metrics import baseline
from corruptgen.metrics.baselines import read_baseline
from corruptgen.publishing.difference import compare_datasets
from corruptgen.publishing.presentation import current_card, present
from corruptgen.scoring.ground_truth import read_ground_truth as read_truth
from corruptgen.values.json_shapes import check_shape
from corruptgen.verification.dataset import open_dataset
from corruptgen.verification.verdict import verify
from tests.photographs import TABLE, tree

# Every kind of value that JSON has, with those that programs mishandle.
VALUES = (
    None,
    True,
    False,
    0,
    -1,
    7,
    2**70,
    0.5,
    1e300,
    "",
    "x",
    "../x",
    "\0",
    "0",
    [],
    [1],
    ["a"],
    [[]],
    {},
    {"a": 1},
)
FEW, MANY = 8, 300
SOURCE = 'kind = "folder"\npath = "photographs"\nlicense = "cc-by-4.0"\nsubset = "subset.txt"\n'


def recipe_of(place, form="folder"):
    (place / "three.toml").write_text(TABLE)
    path = place / f"{form}.toml"
    path.write_text(
        f'name = "small-c"\nversion = "1.0.0"\n[source]\n{SOURCE}'
        f'[corrupt]\npreset = "three.toml"\nrows = ["brightness"]\n[output]\nformat = "{form}"\nitems_per_shard = 4\n'
        "clean = true\n"
    )
    return path


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Outputs of ten images in three classes, one of them damaged, finished and in shards."""
    place = tmp_path_factory.mktemp("records")
    names = []
    for number in range(10):
        name = f"{'abc'[number % 3]}/{number:02d}.png"
        (place / "photographs" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((16, 20, 3), 20 * number, np.uint8)).save(place / "photographs" / name)
        names.append(name)
    (place / "photographs/a/03.png").write_bytes(b"no image")
    (place / "subset.txt").write_text("\n".join(names))
    for form in ("folder", "npy"):
        corruptgen.generate(recipe_of(place, form), output=place / form, workers=1)
    for shard in ("1/2", "2/2"):
        corruptgen.generate(recipe_of(place, "npy"), output=place / "shards", workers=1, shard=shard)
    return place


@pytest.fixture
def place(built, tmp_path):
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    return tmp_path


def leaves(value, path=()):
    """Return the path of every value in a record, those that hold others included."""
    if path:
        yield path
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        yield from leaves(entry, (*path, key))


def replaced(value, path, new):
    """Return a record with another value in one place."""
    key, *rest = path
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[key] = replaced(copy[key], rest, new) if rest else new
    return copy


def quietly(call, *arguments, **options):
    """Call something that may find damage, and pass on every error that is no finding."""
    try:
        return call(*arguments, **options)
    except CorruptgenError:
        return None


def read_everywhere(output, *, pictures):
    """Read an output by all that reads one; `pictures`: also by what draws, which takes its time."""
    quietly(verify, output, workers=1, depth="full")
    quietly(read_truth, output)
    quietly(lambda: current_card(open_dataset(output)))
    quietly(lambda: compare_datasets(open_dataset(output), open_dataset(output)))
    if pictures:
        quietly(lambda: present(open_dataset(output)))
        quietly(lambda: gallery_of_dataset(output))


def lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


RECORDS = {
    "manifest": ("folder", MANIFEST),
    "manifest of arrays": ("npy", MANIFEST),
    "marker": ("folder", MARKER),
    "table": ("folder", "items/00000.jsonl"),
    "table of arrays": ("npy", "items/00000.jsonl"),
    "record of a shard": ("shards", ".corruptgen-shard-00001-of-00002.json"),
    "marker of shards": ("shards", MARKER),
}


@pytest.mark.parametrize("tries", [FEW, pytest.param(MANY, marks=pytest.mark.long)])
@pytest.mark.parametrize("kind", RECORDS)
def test_any_value_of_another_kind_is_a_finding_and_never_a_crash(place, kind, tries):
    form, name = RECORDS[kind]
    output = place / form
    path = output / name
    before = path.read_bytes()
    is_table = name.endswith(".jsonl")
    content = lines(path) if is_table else json.loads(before)
    known = list(leaves(content))
    saved = {file: file.read_bytes() for file in output.rglob("*") if file.is_file()}

    @settings(max_examples=tries, deadline=None, derandomize=True)
    @given(st.sampled_from(known), st.sampled_from(VALUES))
    def change(where, value):
        changed = replaced(content, where, value)
        if is_table:
            path.write_text("".join(json.dumps(line) + "\n" for line in changed))
        else:
            path.write_bytes(manifest_bytes(changed) if name == MANIFEST else json.dumps(changed).encode())
        if form == "shards":
            quietly(merge, output)
        else:
            read_everywhere(output, pictures=tries == MANY)
            quietly(corruptgen.generate, place / f"{form}.toml", output=output, workers=1)
            quietly(merge, output)
        for file in {f for f in output.rglob("*") if f.is_file()} - saved.keys():
            file.unlink()
        for file, held in saved.items():
            if not file.exists() or file.read_bytes() != held:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(held)

    change()


def test_a_card_of_a_dataset_whose_record_of_labels_is_damaged_is_refused(place):
    path = place / "folder" / MANIFEST
    path.write_bytes(manifest_bytes(json.loads(path.read_bytes()) | {"labels": {"a": 1}}))

    with pytest.raises(OutputError, match=r"manifest\.json is damaged: labels are"):
        present(open_dataset(place / "folder"))


@pytest.mark.parametrize("form", ["folder", "npy"])
def test_every_single_value_of_a_manifest_that_changes_is_found(place, form):
    path = place / form / MANIFEST
    content = json.loads(path.read_bytes())
    others = {str: "x", int: 12345, float: 0.125, bool: 1, type(None): 0, list: ["x"], dict: {"x": 1}}

    for where in leaves(content):
        value = content
        for key in where:
            value = value[key]
        path.write_text(json.dumps(replaced(content, where, others[type(value)])))
        with pytest.raises(OutputError, match=r"manifest\.json"):
            verify(place / form, workers=1)
        with pytest.raises(OutputError, match=r"manifest\.json"):
            open_dataset(place / form)


def test_a_changed_manifest_is_written_again_by_the_same_command(place):
    whole = tree(place / "folder")
    path = place / "folder" / MANIFEST
    path.write_text(path.read_text("utf-8").replace("cc-by-4.0", "cc0-1.0"), "utf-8")

    outcome = corruptgen.generate(place / "folder.toml", output=place / "folder", workers=1)

    assert not outcome.was_finished
    assert tree(place / "folder") == whole


@pytest.mark.parametrize("form", ["folder", "npy"])
def test_a_manifest_without_a_digest_is_one_of_an_earlier_release(place, form):
    for name in (MANIFEST, MARKER):
        path = place / form / name
        content = json.loads(path.read_bytes())
        content.pop("digest", None)
        del content["identity"]
        path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")

    assert verify(place / form, workers=1).problems == ()
    assert corruptgen.generate(place / f"{form}.toml", output=place / form, workers=1).was_finished


def test_a_manifest_whose_digest_was_taken_out_is_damaged(place):
    path = place / "folder" / MANIFEST
    content = json.loads(path.read_bytes())
    del content["digest"]
    path.write_text(json.dumps(content), "utf-8")

    with pytest.raises(OutputError, match="is not what was written, as its own digest states"):
        verify(place / "folder", workers=1)


def without_first(entries):
    return entries[1:]


@pytest.mark.parametrize(
    ("where", "change", "problem"),
    [
        (("counts", "items"), lambda n: n + 1, "counts other items"),
        (("counts", "files"), lambda n: n - 1, "counts other items"),
        (("counts", "cells"), lambda n: n + 1, "counts other items"),
        (("counts", "rejected"), lambda n: n + 1, "counts other items"),
        (("rejected",), lambda found: [{**found[0], "reason": "is fine"}], "names other rejected items"),
        (("rejected",), lambda found: [{**found[0], "id": "a/00.png"}], "names other rejected items"),
        (("ids",), without_first, "lists other ids"),
        (("ids",), lambda ids: list(reversed(ids)), "lists other ids"),
        (("classes",), lambda names: ["x", *names[1:]], "names other classes"),
        (("classes",), lambda names: [names[0], *names], "names other classes"),
        (("recipe", "source", "license"), lambda name: "cc0-1.0", "is that of another build"),
    ],
)
def test_a_manifest_that_contradicts_its_tables_is_found_though_its_digest_is_right(place, where, change, problem):
    path = place / "npy" / MANIFEST
    content = json.loads(path.read_bytes())
    value = content
    for key in where:
        value = value[key]
    path.write_bytes(manifest_bytes(replaced(content, where, change(value))))

    problems = verify(place / "npy", workers=1).problems

    assert any(problem in line for line in problems), problems


BASELINE = {
    "baseline": {
        "title": "A model",
        "task": "t",
        "verified": True,
        "clean": 0.2,
        "main": ["fog"],
        "severities": [1, 2],
    },
    "error": {"fog": [0.5, 0.6], "snow": 0.4},
}


def test_any_value_of_a_baseline_of_another_kind_is_a_finding(tmp_path):
    for where in leaves(BASELINE):
        for value in VALUES:
            quietly(read_baseline, "scores.json", replaced(BASELINE, where, value))

    path = tmp_path / "scores.json"
    path.write_text(json.dumps({"as_baseline": replaced(BASELINE, ("baseline", "main"), 3)}))
    with pytest.raises(ScoreError, match=r'scores\.json \[baseline\] is damaged: "main" is a whole number'):
        baseline(str(path))


def test_a_message_names_the_file_the_key_and_what_is_allowed(place):
    content = json.loads((place / "folder" / MANIFEST).read_bytes())
    content["rejected"][0]["id"] = 3

    with pytest.raises(
        OutputError, match=r'manifest\.json is damaged: "rejected\[0\]\.id" is a whole number, and must be'
    ):
        parse_record(manifest_bytes(content), MANIFEST)


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
NESTED = st.recursive(
    PLAIN, lambda some: st.lists(some) | st.dictionaries(st.text("ab", max_size=1), some), max_leaves=8
)


@settings(max_examples=40, deadline=None)
@given(NESTED)
@example({"a": True})
def test_a_shape_admits_what_it_says_and_nothing_else(value):
    shape = {"a": int, "b?": [(str, None)]}
    fits = (
        isinstance(value, dict)
        and type(value.get("a")) is int
        and ("b" not in value or (type(value["b"]) is list and all(v is None or type(v) is str for v in value["b"])))
    )

    if fits:
        check_shape(value, shape, "file")
    else:
        with pytest.raises(OutputError, match="file is damaged"):
            check_shape(value, shape, "file")
