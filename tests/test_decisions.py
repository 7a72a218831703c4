"""What the engine decides when the machine fails, the source changes, or the output is touched while it is made."""

import errno
import io
import os
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

import corruptgen
from corruptgen.assets import textures
from corruptgen.engine import block
from corruptgen.engine.generation import make_plan
from corruptgen.engine.manifest import BlockTable
from corruptgen.engine.shard_merge import merge
from corruptgen.errors import (
    AssetError,
    CorruptgenError,
    MachineError,
    OutputError,
    RecipeError,
    SourceError,
)
from corruptgen.store import lock
from corruptgen.store.output_directory import UNFINISHED
from corruptgen.verification.verdict import verify
from tests.photographs import TABLE, real_pixels, tree

ROW = 'rows = ["brightness"]\nseverities = [1]'
# How many items one block holds, so that every build has several.
SMALL = "items_per_shard = 4"
COUNT = 12


def write(place, kind="folder", *, source="", corrupt=ROW, output=SMALL, decode="", name="recipe.toml", path="clean"):
    (place / "three.toml").write_text(TABLE)
    recipe = place / name
    recipe.write_text(
        f'name = "small-c"\nversion = "1.0.0"\n[source]\nkind = "{kind}"\npath = "{path}"\n{source}\n'
        f'[decode]\n{decode}\n[corrupt]\npreset = "three.toml"\n{corrupt}\n[output]\n{output}\n'
    )
    return recipe


def folder(place, level=0):
    (place / "clean").mkdir(parents=True, exist_ok=True)
    for number in range(COUNT):
        Image.fromarray(np.full((16, 20, 3), number + level, np.uint8)).save(place / f"clean/{number:02d}.png")
    return write(place)


def npz(place, level=0):
    np.savez_compressed(place / "clean", test_images=real_pixels(COUNT, 16) + np.uint8(level))
    return write(place, "npz", path="clean.npz", source='columns = { image = "test_images" }')


def npy(place, level=0):
    np.save(place / "clean", real_pixels(COUNT, 16) + np.uint8(level))
    return write(place, "npy", path="clean.npy")


def tar(place, level=0):
    (place / "clean").mkdir(parents=True, exist_ok=True)
    with tarfile.open(place / "clean/a.tar", "w") as archive:
        for number, pixels in enumerate(real_pixels(COUNT, 16) + np.uint8(level)):
            buffer = io.BytesIO()
            Image.fromarray(pixels).save(buffer, "png")
            member = tarfile.TarInfo(f"{number:02d}.png")
            member.size = len(buffer.getvalue())
            archive.addfile(member, io.BytesIO(buffer.getvalue()))
    return write(place, "webdataset")


def parquet(place, level=0):
    datasets = pytest.importorskip("datasets")
    (place / "clean").mkdir(parents=True, exist_ok=True)
    images = [Image.fromarray(pixels) for pixels in real_pixels(COUNT, 16) + np.uint8(level)]
    datasets.Dataset.from_dict({"image": images}).cast_column("image", datasets.Image()).to_parquet(
        str(place / "clean/test.parquet")
    )
    return write(place, "hub", source='split = "test"')


def coco(place, level=0):
    folder(place, level)
    images = [{"id": n, "file_name": f"{n:02d}.png", "height": 16, "width": 20} for n in range(COUNT)]
    content = str({"images": images, "annotations": []}).replace("'", '"')
    (place / "boxes.json").write_text(content)
    return write(place, "coco", source='annotations = "boxes.json"')


def nifti(place, level=0):
    nibabel = pytest.importorskip("nibabel")
    (place / "clean").mkdir(parents=True, exist_ok=True)
    samples = np.random.RandomState(1843956201).randint(0, 255, (16, 16, COUNT)).astype(np.uint16) + np.uint16(level)
    nibabel.Nifti1Image(samples, np.eye(4)).to_filename(place / "clean/volume.nii")
    return write(place, decode="window = [0, 300]")


def frames(place, level=0):
    pytest.importorskip("pydicom")
    from tests.scans import picture_file  # noqa: PLC0415

    (place / "clean").mkdir(parents=True, exist_ok=True)
    samples = np.random.RandomState(1843956201).randint(0, 255, (COUNT, 16, 16)).astype(np.uint16) + np.uint16(level)
    (place / "clean/cine.dcm").write_bytes(picture_file(samples, frames=COUNT))
    return write(place, decode="window = [0, 300]")


KINDS = {f.__name__: f for f in (folder, npz, npy, tar, parquet, coco, nifti)}


def contents(output):
    """Return the digests of all files of an output but those that only a running build has."""
    return tree(output) if output.exists() else {}


def rejected(output):
    tables = [BlockTable.from_bytes(path.read_bytes()) for path in sorted(output.glob("items/*.jsonl"))]
    return [rejection for table in tables for rejection in table.rejected]


def make(recipe, place, **options):
    return corruptgen.generate(recipe, output=place / "out", **{"workers": 1} | options)


def after_first_block(act):
    """Make a progress that does something once, when the first block is done."""
    seen = []

    def progress(done, total):
        if done and not seen:
            seen.append(done)
            act()

    return progress


def stopping_after_first_block():
    """Make a progress and a stop that end a build after its first block."""
    done = []
    return {"progress": lambda now, total: done.append(now) if now else None, "stop": lambda: bool(done)}


@pytest.fixture
def broken(monkeypatch):
    """Make files unreadable, as a disk or a server does it: every way to open them raises an error."""
    errors = {}
    readers = {name: getattr(Path, name) for name in ("read_bytes", "open")}

    def reader(name):
        def read(self, *arguments, **options):
            if self in errors and "w" not in str(arguments[:1]):
                raise errors[self]
            return readers[name](self, *arguments, **options)

        return read

    for name in readers:
        monkeypatch.setattr(Path, name, reader(name))
    return errors


# The machine's trouble is not the file's fault.


@pytest.mark.parametrize("kind", KINDS)
def test_a_source_that_vanishes_ends_the_build_and_rejects_nothing(tmp_path, kind):
    recipe = KINDS[kind](tmp_path)
    make(recipe, tmp_path)
    whole = contents(tmp_path / "out")
    shutil.rmtree(tmp_path / "out")
    plan = make_plan(recipe)
    place = next(tmp_path.glob("clean*"))
    place.rename(tmp_path / "away")

    with pytest.raises(SourceError, match="the same command resumes"):
        make(plan, tmp_path)
    assert not rejected(tmp_path / "out")
    (tmp_path / "away").rename(place)
    make(recipe, tmp_path)

    assert contents(tmp_path / "out") == whole


ERRNOS = (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EACCES, errno.ENOENT)


@pytest.mark.parametrize(
    "error", [*(OSError(number, os.strerror(number)) for number in ERRNOS), MemoryError()], ids=str
)
def test_a_file_that_the_machine_cannot_read_is_named_and_not_rejected(tmp_path, broken, error):
    recipe = folder(tmp_path)
    broken[tmp_path / "clean/07.png"] = error

    with pytest.raises(SourceError, match=r"07\.png cannot be read: .*the same command resumes"):
        make(recipe, tmp_path)

    assert not rejected(tmp_path / "out")
    broken.clear()
    assert not make(recipe, tmp_path).rejected


@pytest.mark.parametrize("kind", ["npy", "tar", "nifti"])
def test_a_container_that_the_machine_cannot_read_rejects_nothing(tmp_path, broken, kind):
    recipe = KINDS[kind](tmp_path)
    plan = make_plan(recipe)
    (container,) = (path for path in tmp_path.glob("**/*") if path.suffix in (".npy", ".tar", ".nii"))

    def hang():
        broken[container] = OSError(errno.EIO, "Input/output error")

    with pytest.raises(SourceError, match="Input/output error"):
        make(plan, tmp_path, progress=after_first_block(hang))

    assert not rejected(tmp_path / "out")
    broken.clear()
    assert not make(recipe, tmp_path).rejected


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.ESTALE])
def test_a_scan_without_an_ending_that_the_machine_cannot_read_is_not_left_out(tmp_path, monkeypatch, number):
    recipe = frames(tmp_path)
    (tmp_path / "clean/cine.dcm").rename(tmp_path / "clean/cine")

    def failing(path, mode):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("corruptgen.sources.dicom_files.open", failing, raising=False)

    with pytest.raises(SourceError, match=rf"cine cannot be read: {os.strerror(number)}"):
        make_plan(recipe)
    monkeypatch.undo()
    assert len(make_plan(recipe).listing.items) == COUNT


@pytest.mark.parametrize("kind", [nifti, frames])
def test_a_mask_that_the_machine_cannot_read_rejects_nothing(tmp_path, broken, kind):
    kind(tmp_path)
    (tmp_path / "masks").mkdir()
    (container,) = (tmp_path / "clean").iterdir()
    mask = tmp_path / "masks" / container.with_suffix(".nii" if kind is nifti else ".tif").name
    if kind is nifti:
        shutil.copy(container, mask)
    else:
        pytest.importorskip("tifffile").imwrite(mask, np.ones((COUNT, 16, 16), np.uint8), photometric="minisblack")
    masks = f'masks = "{tmp_path / "masks"}"'
    recipe = write(tmp_path, decode="window = [0, 300]", source=masks, output='format = "folder"\nencoding = "tiff"')
    broken[mask] = OSError(errno.EIO, "Input/output error")

    with pytest.raises(SourceError, match=rf"{mask.name} cannot be read: Input/output error"):
        make(recipe, tmp_path)

    assert not rejected(tmp_path / "out")
    broken.clear()
    assert not make(recipe, tmp_path).rejected


def test_a_tar_that_cannot_be_indexed_is_no_damaged_tar(tmp_path, monkeypatch):
    recipe = tar(tmp_path)

    def failing(self):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(tarfile.TarFile, "next", failing)

    with pytest.raises(SourceError, match=r"a\.tar cannot be read: Input/output error"):
        make_plan(recipe)


def test_a_folder_that_cannot_be_listed_is_an_error_that_names_it(tmp_path, monkeypatch):
    recipe = folder(tmp_path)
    (tmp_path / "clean/class").mkdir()
    scan = os.scandir

    def failing(path):
        if os.fspath(path).rstrip("/").endswith("class"):
            raise OSError(errno.EACCES, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", failing)

    with pytest.raises(SourceError, match="the folder class of the source cannot be listed: Permission denied"):
        make_plan(recipe)


def test_a_finished_output_that_lost_a_file_loses_nothing_else_to_the_machine(tmp_path, broken):
    recipe = folder(tmp_path)
    make(recipe, tmp_path)
    whole = contents(tmp_path / "out")
    (tmp_path / "out/brightness/1/05.png").unlink()
    left = contents(tmp_path / "out")
    for path in (tmp_path / "clean").iterdir():
        broken[path] = OSError(errno.EIO, "Input/output error")

    for check in (False, True):
        with pytest.raises(SourceError, match="Input/output error"):
            make(recipe, tmp_path, check=check)
        assert contents(tmp_path / "out") == left

    broken.clear()
    make(recipe, tmp_path)
    assert contents(tmp_path / "out") == whole


def test_an_item_that_was_made_and_is_damaged_now_is_an_error(tmp_path):
    recipe = folder(tmp_path)
    make(recipe, tmp_path)
    (tmp_path / "out/brightness/1/05.png").unlink()
    left = contents(tmp_path / "out")
    (tmp_path / "clean/06.png").write_bytes(b"no image")

    with pytest.raises(SourceError, match=r"06\.png has changed since this output was begun"):
        make(recipe, tmp_path)

    assert contents(tmp_path / "out") == left


def test_images_of_a_lost_table_are_not_removed_for_a_damaged_source(tmp_path):
    recipe = folder(tmp_path)
    make(recipe, tmp_path)
    (tmp_path / "out/items/00001.jsonl").unlink()
    left = contents(tmp_path / "out")
    (tmp_path / "clean/05.png").write_bytes(b"no image")

    with pytest.raises(SourceError, match="are not those that this output was begun with"):
        make(recipe, tmp_path)

    assert contents(tmp_path / "out") == left


def full_memory(*arguments, **options):
    raise MemoryError


def test_a_full_memory_in_a_decoder_rejects_nothing(tmp_path, monkeypatch):
    recipe = folder(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(ImageFile.ImageFile, "load", full_memory)
        with pytest.raises(SourceError, match=r"the memory is full.*the same command resumes"):
            make(recipe, tmp_path)

    assert not make(recipe, tmp_path).rejected


def test_a_full_memory_in_a_corruption_names_the_item(tmp_path, monkeypatch):
    recipe = folder(tmp_path)
    plan = make_plan(recipe)
    apply = block.Cells.apply

    def sometimes(self, name, image, key):
        return full_memory() if key == "05.png" else apply(self, name, image, key)

    with monkeypatch.context() as patch:
        patch.setattr(block.Cells, "apply", sometimes)
        with pytest.raises(MachineError, match=r"brightness at severity 1 of 05\.png cannot be made: the memory"):
            make(plan, tmp_path)

    assert not make(recipe, tmp_path).rejected


def test_an_interruption_in_a_decoder_rejects_nothing(tmp_path, monkeypatch):
    recipe = folder(tmp_path)

    def interrupted(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ImageFile.ImageFile, "load", interrupted)
        with pytest.raises(KeyboardInterrupt):
            make(recipe, tmp_path)

    assert not make(recipe, tmp_path).rejected


def test_a_folder_of_masks_that_vanishes_rejects_nothing(tmp_path, broken):
    folder(tmp_path)
    (tmp_path / "masks").mkdir()
    for number in range(COUNT):
        Image.fromarray(np.zeros((16, 20), np.uint8)).save(tmp_path / f"masks/{number:02d}.png")
    recipe = write(tmp_path, source='masks = "masks"')
    plan = make_plan(recipe)
    (tmp_path / "masks").rename(tmp_path / "away")

    with pytest.raises(SourceError, match=r"the mask 00\.png cannot be read"):
        make(plan, tmp_path)

    (tmp_path / "away").rename(tmp_path / "masks")
    assert not make(recipe, tmp_path).rejected


def test_verify_names_what_the_machine_cannot_read_of_the_source(tmp_path, broken):
    recipe = folder(tmp_path)
    make(recipe, tmp_path)
    broken[tmp_path / "clean/07.png"] = OSError(errno.EIO, "Input/output error")

    verdict = verify(tmp_path / "out", source=tmp_path / "clean", depth="full", workers=1)

    assert verdict.problems == ("07.png in the source cannot be read: Input/output error",)


# Nothing is deleted before the new build is known to be possible.


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        ("encoding", RecipeError),
        ("pictures", AssetError),
        ("damaged", SourceError),
        ("unreadable", SourceError),
        ("wrong", CorruptgenError),
    ],
)
def test_overwriting_removes_nothing_for_a_build_that_is_not_possible(tmp_path, monkeypatch, broken, trouble, kind):
    make(folder(tmp_path), tmp_path)
    before = contents(tmp_path / "out")
    recipe = write(tmp_path, corrupt='rows = ["gaussian_noise"]')
    match trouble:
        case "encoding":
            tifffile = pytest.importorskip("tifffile")
            shutil.rmtree(tmp_path / "clean")
            (tmp_path / "clean").mkdir()
            tifffile.imwrite(tmp_path / "clean/a.tif", np.linspace(0, 1, 320, dtype="float32").reshape(16, 20))
            recipe = write(tmp_path, decode='window = "range"')
        case "pictures":
            textures.frost_picture.cache_clear()
            monkeypatch.setattr(textures, "texture_bytes", missing_picture)
            recipe = write(tmp_path, corrupt='rows = ["frost"]', decode="resize = [64, 64]")
            recipe.write_text(recipe.read_text("utf-8").replace("three.toml", "imagenet-c-64"))
        case "damaged":
            for path in (tmp_path / "clean").iterdir():
                path.write_bytes(b"no image")
        case "unreadable":
            broken[tmp_path / "clean/11.png"] = OSError(errno.EIO, "Input/output error")
        case "wrong":
            recipe = write(tmp_path, corrupt='rows = ["nothing"]')

    with pytest.raises(kind):
        make(recipe, tmp_path, overwrite=True)

    assert contents(tmp_path / "out") == before


def missing_picture(*arguments):
    raise AssetError("no frost")


# An unfinished build does not go on with another source.


@pytest.mark.parametrize("kind", KINDS)
def test_a_build_does_not_go_on_with_other_images_of_the_same_names(tmp_path, kind):
    recipe = KINDS[kind](tmp_path)
    make(recipe, tmp_path)
    whole = contents(tmp_path / "out")
    shutil.rmtree(tmp_path / "out")
    with pytest.raises(CorruptgenError, match="interrupted"):
        make(recipe, tmp_path, **stopping_after_first_block())
    left = contents(tmp_path / "out")
    KINDS[kind](tmp_path, level=3)

    with pytest.raises(SourceError, match=r"0+.* of the source have changed since this output was begun"):
        make(recipe, tmp_path)

    assert contents(tmp_path / "out") == left
    KINDS[kind](tmp_path)
    make(recipe, tmp_path)
    assert contents(tmp_path / "out") == whole


def test_images_that_are_replaced_before_they_are_made_are_noticed_on_resuming(tmp_path):
    recipe = folder(tmp_path)
    with pytest.raises(CorruptgenError, match="interrupted"):
        make(recipe, tmp_path, **stopping_after_first_block())
    Image.new("RGB", (20, 16), (200, 90, 60)).save(tmp_path / "clean/11.png")

    with pytest.raises(SourceError, match="not those that this output was begun with"):
        make(recipe, tmp_path)


def test_masks_that_are_replaced_before_they_are_used_are_noticed_on_resuming(tmp_path):
    folder(tmp_path)
    (tmp_path / "masks").mkdir()
    for number in range(COUNT):
        Image.fromarray(np.zeros((16, 20), np.uint8)).save(tmp_path / f"masks/{number:02d}.png")
    recipe = write(tmp_path, source='masks = "masks"')
    with pytest.raises(CorruptgenError, match="interrupted"):
        make(recipe, tmp_path, **stopping_after_first_block())
    Image.fromarray(np.ones((16, 20), np.uint8)).save(tmp_path / "masks/11.png")

    with pytest.raises(SourceError, match="or their masks, are not those that this output was begun with"):
        make(recipe, tmp_path)


@pytest.mark.parametrize("write_source", [folder, npy, npz, tar, parquet, nifti, frames])
def test_a_source_that_is_replaced_during_a_build_ends_it(tmp_path, write_source):
    recipe = write_source(tmp_path)
    make(recipe, tmp_path)
    whole = contents(tmp_path / "out")
    shutil.rmtree(tmp_path / "out")

    with pytest.raises(SourceError, match=r"the source was changed while this build was reading it|has changed"):
        make(recipe, tmp_path, progress=after_first_block(lambda: write_source(tmp_path, level=3)))

    write_source(tmp_path)
    make(recipe, tmp_path)
    assert contents(tmp_path / "out") == whole


@pytest.mark.parametrize("kind", ["folder", "npy", "tar"])
def test_shards_of_different_copies_are_not_merged(tmp_path, kind):
    make(KINDS[kind](tmp_path), tmp_path, shard="1/2")
    (tmp_path / "other").mkdir()
    corruptgen.generate(KINDS[kind](tmp_path / "other", level=3), output=tmp_path / "second", shard="2/2", workers=1)
    shutil.copytree(tmp_path / "second", tmp_path / "out", dirs_exist_ok=True)

    with pytest.raises(OutputError, match="do not belong together: their content"):
        merge(tmp_path / "out")


def test_shards_of_equal_copies_are_merged(tmp_path):
    make(folder(tmp_path), tmp_path, shard="1/2")
    (tmp_path / "other").mkdir()
    corruptgen.generate(folder(tmp_path / "other"), output=tmp_path / "second", shard="2/2", workers=1)
    shutil.copytree(tmp_path / "second", tmp_path / "out", dirs_exist_ok=True)

    assert merge(tmp_path / "out").items == COUNT


def test_an_output_that_was_begun_by_an_earlier_release_goes_on(tmp_path):
    recipe = folder(tmp_path)
    with pytest.raises(CorruptgenError, match="interrupted"):
        make(recipe, tmp_path, **stopping_after_first_block())
    marker = tmp_path / "out/.corruptgen.json"
    lines = [line for line in marker.read_text("utf-8").splitlines() if '"content"' not in line]
    marker.write_text("\n".join(lines).replace("},\n}", "}\n}"))

    assert make(recipe, tmp_path).items == COUNT


# "Finished" is said after looking.


@pytest.mark.parametrize("form", ["folder", "parquet", "npy", "webdataset"])
def test_an_output_that_loses_files_while_it_is_made_is_not_finished(tmp_path, form):
    folder(tmp_path)
    recipe = write(tmp_path, output=f'format = "{form}"\n{SMALL}')
    make(recipe, tmp_path)
    whole = contents(tmp_path / "out")
    shutil.rmtree(tmp_path / "out")

    def lose():
        next(p for p in sorted((tmp_path / "out").rglob("*")) if p.is_file() and "bright" in str(p)).unlink()

    with pytest.raises(OutputError, match="the same command"):
        make(recipe, tmp_path, progress=after_first_block(lose))

    assert not (tmp_path / "out/manifest.json").exists()
    make(recipe, tmp_path)
    assert contents(tmp_path / "out") == whole


def test_an_output_that_is_removed_while_it_is_made_is_made_by_the_same_command(tmp_path):
    recipe = folder(tmp_path)
    make(recipe, tmp_path)
    whole = contents(tmp_path / "out")
    shutil.rmtree(tmp_path / "out")

    with pytest.raises(OutputError, match="removed, or taken over by another build"):
        make(recipe, tmp_path, progress=after_first_block(lambda: shutil.rmtree(tmp_path / "out")))

    make(recipe, tmp_path)
    assert contents(tmp_path / "out") == whole


def test_a_build_that_takes_the_place_of_a_removed_one_is_left_alone(tmp_path):
    recipe = folder(tmp_path)
    other = write(tmp_path, corrupt='rows = ["gaussian_noise"]', name="other.toml")
    corruptgen.generate(other, output=tmp_path / "alone", workers=1)

    def replace():
        shutil.rmtree(tmp_path / "out")
        make(other, tmp_path)

    with pytest.raises(OutputError, match=r"taken over by another build|holds another build"):
        make(recipe, tmp_path, progress=after_first_block(replace))

    assert contents(tmp_path / "out") == tree(tmp_path / "alone")


def test_the_last_one_out_removes_its_own_lock_only(tmp_path):
    with lock.hold_lock(tmp_path / "out") as first:
        shutil.rmtree(tmp_path / "out")
        with lock.hold_lock(tmp_path / "out"):
            assert first.is_taken
            assert not first.is_ours
            there = (tmp_path / "out" / lock.LOCK).stat().st_ino
            lock._let_go(tmp_path / "out" / lock.LOCK, os.open(os.devnull, os.O_RDONLY))

            assert (tmp_path / "out" / lock.LOCK).stat().st_ino == there


# One unreadable file of the output is damage like any other.


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO])
@pytest.mark.parametrize("form", ["folder", "parquet", "npy", "npz", "webdataset"])
def test_a_file_of_the_output_that_cannot_be_read_is_found_and_made_again(tmp_path, broken, form, number):
    folder(tmp_path)
    recipe = write(tmp_path, output=f'format = "{form}"\n{SMALL}')
    make(recipe, tmp_path)
    whole = contents(tmp_path / "out")
    lost = next(p for p in sorted((tmp_path / "out").rglob("*")) if p.is_file() and "bright" in str(p))
    broken[lost] = OSError(number, os.strerror(number))

    problems = verify(tmp_path / "out", workers=1).problems

    assert any(
        lost.name in line and "cannot be read" in line.replace("cannot read", "cannot be read") for line in problems
    )
    rename = os.replace

    def mended(source, target):
        broken.pop(Path(target), None)
        return rename(source, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "replace", mended)
        make(recipe, tmp_path, check=True)
    assert not broken
    assert contents(tmp_path / "out") == whole


@pytest.mark.parametrize("name", ["items/00001.jsonl", "manifest.json"])
def test_a_record_that_cannot_be_read_is_made_again(tmp_path, broken, name):
    recipe = folder(tmp_path)
    make(recipe, tmp_path)
    whole = contents(tmp_path / "out")
    broken[tmp_path / "out" / name] = OSError(errno.EIO, "Input/output error")
    rename = os.replace

    def mended(source, target):
        broken.pop(Path(target), None)
        return rename(source, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "replace", mended)
        make(recipe, tmp_path, check=True)

    assert contents(tmp_path / "out") == whole


@pytest.mark.parametrize("check", [False, True])
def test_what_a_killed_process_left_in_a_finished_output_is_swept(tmp_path, check):
    recipe = folder(tmp_path)
    make(recipe, tmp_path)
    whole = contents(tmp_path / "out")
    (tmp_path / f"out/.0123456789abcdef{UNFINISHED}").write_bytes(b"half a card")

    assert make(recipe, tmp_path, check=check).was_finished

    assert contents(tmp_path / "out") == whole


@pytest.mark.parametrize("call", ["close", "unlink"])
def test_a_lock_that_cannot_be_let_go_of_is_told_in_a_line(tmp_path, monkeypatch, call):
    recipe = folder(tmp_path)
    close, unlink = os.close, Path.unlink

    def failing_close(descriptor):
        name = os.readlink(f"/proc/self/fd/{descriptor}")
        close(descriptor)
        if lock.LOCK in name:
            raise OSError(errno.EIO, "Input/output error")

    def failing_unlink(self, **options):
        if self.name == lock.LOCK:
            raise OSError(errno.EIO, "Input/output error")
        unlink(self, **options)

    with monkeypatch.context() as patch:
        patch.setattr(*((os, "close", failing_close) if call == "close" else (Path, "unlink", failing_unlink)))
        with pytest.raises(OutputError, match="all is done, but the lock of the output out cannot be let go of"):
            make(recipe, tmp_path)

    assert make(recipe, tmp_path).was_finished
