"""Verification: every kind of damage is found and named, and pixels are recomputed from what exists."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

import corruptgen
from corruptgen.engine.manifest import manifest_bytes
from corruptgen.errors import OutputError, RecipeError
from corruptgen.verification.verdict import verify
from tests.photographs import command, write_photographs, write_recipe


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    place = tmp_path_factory.mktemp("built")
    write_photographs(place / "photographs", 9)
    (place / "photographs/bad.png").write_bytes(b"bad")
    corruptgen.generate(write_recipe(place, output="clean = true"), output=place / "out", workers=1)
    jpeg = write_recipe(place, output='encoding = "jpeg"\nclean = true')
    corruptgen.generate(jpeg, output=place / "jpeg", workers=1)
    return place


@pytest.fixture
def place(built, tmp_path):
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    return tmp_path


def flip(path, where):
    content = bytearray(path.read_bytes())
    content[where] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(("depth", "pixels"), [("files", 0), ("full", 9 * 7)])
@pytest.mark.parametrize("source", [None, "photographs"])
def test_a_good_output_has_no_problems(built, workers, depth, pixels, source):
    verdict = verify(built / "out", source=source and built / source, depth=depth, workers=workers)

    assert verdict.problems == ()
    assert (verdict.files, verdict.pixels) == (9 * 7, pixels)


def test_a_sample_is_small_and_another_seed_takes_another(built):
    calls = []
    first = verify(built / "out", depth="sample", workers=1, progress=lambda *at: calls.append(at))

    assert first.problems == ()
    assert 10 <= first.pixels <= 20
    assert calls[-1] == (4, 4)


@pytest.mark.parametrize("output", ["out", "jpeg"])
@pytest.mark.parametrize("where", [10, 300, -5])
def test_one_flipped_bit_is_found_and_its_file_named(place, output, where):
    damaged = next((place / output / "brightness/2/coffee").iterdir())
    flip(damaged, where)

    verdict = verify(place / output, workers=1)

    assert verdict.problems == (f"brightness/2/coffee/{damaged.name} is damaged: checksum mismatch",)


def test_many_damages_are_all_named(place):
    out = place / "out"
    flip(out / "brightness/2/coffee/02.png", 300)
    flip(out / "gaussian_noise/1/rocket/03.png", 300)
    (out / "jpeg_compression/1/astronaut/00.png").unlink()
    (out / "brightness/1/extra.png").write_bytes(b"extra")
    (out / "brightness/1/link.png").symlink_to("astronaut/00.png")

    verdict = verify(out, workers=1)

    assert verdict.problems == (
        "brightness/1/extra.png is not part of this build",
        "brightness/1/link.png is not part of this build",
        "brightness/2/coffee/02.png is damaged: checksum mismatch",
        "gaussian_noise/1/rocket/03.png is damaged: checksum mismatch",
        "jpeg_compression/1/astronaut/00.png is missing",
    )


def test_a_changed_file_is_found_though_its_pixels_are_the_same(place):
    image = place / "out/brightness/2/coffee/02.png"
    with Image.open(image) as picture:
        picture.copy().save(image, compress_level=9)

    assert verify(place / "out", workers=1).problems == ("brightness/2/coffee/02.png is damaged: checksum mismatch",)


def test_swapped_files_are_found(place):
    first, second = (place / f"out/brightness/{level}/coffee/02.png" for level in (1, 2))
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)

    assert len(verify(place / "out", workers=1).problems) == 2


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('"label":"astronaut"', '"label":"astronomer"', "items/00000.jsonl does not match the manifest"),
        ('"block":0', '"block":', "items/00000.jsonl cannot be read"),
        ('"label":"astronaut"', '"label":"../.."', "items/00000.jsonl does not fit the manifest"),
    ],
)
def test_a_changed_table_is_found(place, old, new, problem):
    table = place / "out/items/00000.jsonl"
    table.write_text(table.read_text("utf-8").replace(old, new), "utf-8")

    assert any(found.startswith(problem) for found in verify(place / "out", workers=1).problems)


def test_a_missing_table_is_found(place):
    (place / "out/items/00001.jsonl").unlink()

    assert "items/00001.jsonl is missing" in verify(place / "out", workers=1).problems


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("schema", 99),
        ("recipe", {"name": "x"}),
        ("cells", ["../../etc"]),
        ("tables", {"../../etc/passwd": "0"}),
        ("preset", {"name": "three", "digest": "0", "table": {}}),
        ("counts", None),
    ],
)
def test_a_damaged_manifest_is_an_error(place, key, value):
    path = place / "out/manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {key: value}), "utf-8")

    with pytest.raises(OutputError, match=r"manifest\.json"):
        verify(place / "out", workers=1)


@pytest.mark.parametrize(("damage", "problem"), [(b"", "is damaged"), (None, "another build"), ("gone", "")])
def test_a_damaged_marker_is_found_and_copies_need_none(place, damage, problem):
    marker = place / "out/.corruptgen.json"
    match damage:
        case "gone":
            marker.unlink()
        case None:
            marker.write_text(marker.read_text("utf-8").replace('"seed": ', '"seed": 7'), "utf-8")
        case _:
            marker.write_bytes(damage)

    problems = verify(place / "out", workers=1).problems

    assert len(problems) == bool(problem)
    assert all(problem in line for line in problems)


def test_an_unfinished_output_is_an_error(place):
    (place / "out/manifest.json").unlink()

    with pytest.raises(OutputError, match="the generate command resumes"):
        verify(place / "out", workers=1)


def test_a_source_that_changed_is_named(place):
    Image.new("RGB", (48, 40)).save(place / "photographs/coffee/02.png")
    (place / "photographs/rocket/03.png").unlink()

    verdict = verify(place / "out", source=place / "photographs", depth="full", workers=1)

    assert verdict.problems == (
        "coffee/02.png in the source has changed",
        "rocket/03.png in the source cannot be read: No such file or directory",
    )


def test_pixels_that_another_table_would_give_are_found(place):
    for path in (place / "out/manifest.json", place / "out/.corruptgen.json"):
        record = json.loads(path.read_text("utf-8"))
        record["recipe"]["seed"] = 1
        path.write_bytes(manifest_bytes(record) if path.name == "manifest.json" else json.dumps(record).encode())

    verdict = verify(place / "out", depth="full", workers=1)

    assert len(verdict.problems) == 9 * 2
    assert all(p.startswith("gaussian_noise") and p.endswith("other pixels when recomputed") for p in verdict.problems)


def test_the_table_that_the_manifest_records_is_used(place):
    (place / "three.toml").write_text("[preset]\ntitle = 'changed'\n", "utf-8")

    assert verify(place / "out", depth="full", workers=1).problems == ()


def test_a_lossy_twin_is_no_source(built):
    assert verify(built / "jpeg", source=built / "photographs", depth="full", workers=1).problems == ()
    with pytest.raises(RecipeError, match="--source"):
        verify(built / "jpeg", depth="sample", workers=1)


def test_other_versions_are_noted(place):
    path = place / "out/manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    manifest["environment"]["numpy"] = "1.14.0"
    path.write_bytes(manifest_bytes(manifest))

    notes = verify(place / "out", workers=1).notes

    assert len(notes) == 1
    assert notes[0].startswith("made with numpy 1.14.0, this is")


def test_the_exit_code_says_how_it_went(place):
    good = command("verify", "out", "--depth", "sample", cwd=place)
    needs = command("verify", "jpeg", "--depth", "full", cwd=place)
    flip(place / "out/brightness/2/coffee/02.png", 300)
    bad = command("verify", "out", cwd=place)

    assert good.returncode == 0, good.stderr
    assert "63 images checked" in good.stdout
    assert needs.returncode == 2
    assert "--source" in needs.stderr
    assert bad.returncode == 1
    assert bad.stdout == "brightness/2/coffee/02.png is damaged: checksum mismatch\n"


def test_a_source_that_nobody_recorded_cannot_be_taken(built):
    with pytest.raises(RecipeError, match="the recipe records no repository with them"):
        verify(built / "out", source="recorded", depth="sample", workers=1)


@pytest.mark.parametrize("form", ["folder", "npz"])
def test_an_output_that_0_1_0_made_is_verified_and_complete(tmp_path, monkeypatch, form):
    # Made by the code of 0.1.0 with the recipe beside it, from photographs that scikit-image ships.
    shutil.copytree(Path(__file__).parent / "golden/outputs-0.1.0", tmp_path / "place")
    monkeypatch.chdir(tmp_path / "place")
    before = {path: path.read_bytes() for path in Path(form).rglob("*") if path.is_file()}

    verdict = verify(form, depth="full", source="photographs", workers=1)
    outcome = corruptgen.generate(f"{form}.toml", output=form, workers=1)

    assert (verdict.problems, verdict.files, verdict.pixels) == ((), 10, 10)
    assert outcome.was_finished
    assert {path: path.read_bytes() for path in Path(form).rglob("*") if path.is_file()} == before


def test_a_damaged_file_of_an_output_that_0_1_0_made_is_named(tmp_path):
    output = shutil.copytree(Path(__file__).parent / "golden/outputs-0.1.0/folder", tmp_path / "out")
    damaged = output / "brightness/5/chelsea/1.png"
    damaged.write_bytes(damaged.read_bytes()[:-1])

    problems = verify(output, workers=1).problems

    assert len(problems) == 1
    assert "brightness/5/chelsea/1.png" in problems[0]
