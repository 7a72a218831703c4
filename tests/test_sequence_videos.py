"""Sequences as videos: without loss, or as ImageNet-P was published; built, verified, repaired, resumed, grown."""

import json
import re
import struct

import cv2
import numpy as np
import pytest

import corruptgen
from corruptgen.codecs.video import decode_video, encode_video
from corruptgen.engine.plan import make_plan
from corruptgen.engine.shard_merge import merge
from corruptgen.errors import Interrupted, RecipeError, Rejected
from corruptgen.publishing.card import write_card
from corruptgen.publishing.croissant import write_croissant
from corruptgen.verification.dataset import open_dataset
from corruptgen.verification.verdict import verify
from tests.photographs import tree, write_photographs
from tests.pictures import photograph
from tests.test_sequence_builds import CELLS, FRAMES, PER_ITEM, frames_of, write_build

pytest.importorskip("av")
VIDEO = 'encoding = "video"'


@pytest.fixture
def place(tmp_path):
    write_photographs(tmp_path / "photographs", 3, size=(40, 48))
    return tmp_path


def moving(frames=5, size=(32, 32)):
    return np.stack([np.roll(photograph(*size), frame, axis=1) for frame in range(frames)])


@pytest.mark.parametrize("size", [(32, 32), (31, 45), (1, 1)])
@pytest.mark.parametrize("grey", [False, True])
def test_a_lossless_video_has_every_pixel(size, grey):
    noise = np.random.RandomState(71823).randint(0, 256, (4, *size, 3)).astype(np.uint8)
    channels = 1 if grey else 3
    for frames in (moving(4, size)[..., :channels], noise[..., :channels]):
        assert np.array_equal(decode_video(encode_video(frames, "lossless", is_noise=False)), frames)


def test_opencv_reads_a_video_as_the_benchmarks_reader_does(tmp_path):
    (tmp_path / "a.mp4").write_bytes(encode_video(moving(), "lossless", is_noise=False))

    reader = cv2.VideoCapture(str(tmp_path / "a.mp4"))
    found = [frame for is_read, frame in iter(reader.read, (False, None)) if is_read]
    reader.release()

    assert np.array_equal(np.stack(found)[..., ::-1], moving())


@pytest.mark.parametrize("settings", ["lossless", "imagenet-p"])
def test_the_bytes_of_a_video_are_those_of_its_frames_and_hold_no_time(settings):
    content = encode_video(moving(), settings, is_noise=False)

    assert content == encode_video(moving(), settings, is_noise=False)
    for box in (b"mvhd", b"tkhd", b"mdhd"):
        (place,) = (match.end() for match in re.finditer(box, content))
        # Behind the version come the times of creation and of change, in seconds.
        assert struct.unpack(">III", content[place : place + 12])[1:] == (0, 0), box


def test_published_settings_are_those_of_the_script():
    noise = encode_video(moving(), "imagenet-p", is_noise=True)
    other = encode_video(moving(), "imagenet-p", is_noise=False)

    # What x264 writes down about itself.
    assert b"crf=20.0" in other
    assert b"crf=23.0" in noise
    assert b"deblock=1:-2:-2" in noise  # of -tune grain
    assert all(b"subme=10" in content and b"ref=16" in content for content in (noise, other))  # of -preset veryslow
    away = np.abs(decode_video(other).astype(int) - moving())
    assert 0 < away.mean() < 3


def test_a_damaged_video_is_rejected():
    content = encode_video(moving(), "lossless", is_noise=False)

    with pytest.raises(Rejected, match="cannot be decoded"):
        decode_video(content[:100])


def test_a_build_has_one_video_for_each_sequence_and_png_beside(place):
    corruptgen.generate(write_build(place, output=VIDEO), output=place / "out", workers=1)

    names = [name for name in tree(place / "out") if name.endswith((".png", ".mp4", ".jsonl")) and "items" not in name]
    assert names == sorted(
        f"{row}/{severity}/{item}.{'mp4' if (row, severity) in FRAMES else 'png'}"
        for row, severity in CELLS
        for item in ("astronaut/00", "chelsea/01", "coffee/02")
    )
    dataset = corruptgen.open(place / "out")
    for row, severity in FRAMES:
        for item, frames in dataset.images(row, severity):
            assert np.array_equal(frames, frames_of(place, row, severity, item.id))
    verdict = verify(place / "out", depth="full", source=place / "photographs", workers=1)
    assert (verdict.problems, verdict.files, verdict.pixels) == ((), 3 * PER_ITEM, 3 * PER_ITEM)
    assert "av" in json.loads((place / "out/manifest.json").read_text("utf-8"))["environment"]


def test_videos_without_class_folders_have_a_record_of_their_items(place):
    for path in sorted((place / "photographs").glob("*/*.png")):
        path.rename(place / "photographs" / path.name)
    (place / "labels.csv").write_text("file_name,label\n00.png,3\n01.png,\n02.png,1\n", "utf-8")
    recipe = write_build(place, rows='["turn"]', output=VIDEO)
    text = recipe.read_text("utf-8").replace('kind = "folder"', 'kind = "folder"\nlabels = "labels.csv"')
    recipe.write_text(text, "utf-8")

    corruptgen.generate(recipe, output=place / "out", workers=1)

    lines = (place / "out/turn/1/metadata.jsonl").read_text("utf-8").splitlines()
    assert {json.loads(line)["file_name"].rpartition(".")[2] for line in lines} == {"mp4"}
    assert {json.loads(line)["label"] for line in lines} == {1, 3, None}


def test_videos_are_resumed_sharded_and_grown_to_the_same_bytes(place):
    recipe = write_build(place, output=VIDEO)
    corruptgen.generate(recipe, output=place / "whole", workers=1)
    asked = iter([False, True, True])
    with pytest.raises(Interrupted):
        corruptgen.generate(recipe, output=place / "out", workers=1, stop=lambda: next(asked))
    corruptgen.generate(recipe, output=place / "out", workers=1)
    for shard in ("1/2", "2/2"):
        corruptgen.generate(recipe, output=place / "shards", workers=1, shard=shard)
    merge(place / "shards")
    corruptgen.generate(write_build(place, rows='["turn"]', output=VIDEO), output=place / "grown", workers=1)
    corruptgen.generate(
        write_build(place, output=VIDEO, rows='["turn", "noise", "brightness"]'), output=place / "grown"
    )

    assert tree(place / "out") == tree(place / "shards") == tree(place / "whole") == tree(place / "grown")


@pytest.mark.parametrize("settings", ["lossless", "imagenet-p"])
def test_damaged_videos_are_named_and_made_again(place, settings):
    recipe = write_build(place, output=f'{VIDEO}\nvideo = "{settings}"')
    corruptgen.generate(recipe, output=place / "out", workers=1)
    before, path = tree(place / "out"), place / "out/turn/1/astronaut/00.mp4"
    path.write_bytes(path.read_bytes()[:-9] + b"\0" * 9)
    (place / "out/turn/1/astronaut/extra.mp4").write_bytes(b"")

    problems = verify(place / "out", workers=1).problems
    (place / "out/turn/1/astronaut/extra.mp4").unlink()
    corruptgen.generate(recipe, output=place / "out", workers=1, check=True)

    assert "turn/1/astronaut/00.mp4 is damaged: checksum mismatch" in problems
    assert "turn/1/astronaut/extra.mp4 is not part of this build" in problems
    assert tree(place / "out") == before


def test_cards_and_croissant_say_that_there_are_videos(place):
    corruptgen.generate(write_build(place, output=f'{VIDEO}\nvideo = "imagenet-p"'), output=place / "out", workers=1)
    dataset = open_dataset(place / "out")

    card, described = write_card(dataset), json.loads(write_croissant(dataset))

    assert "H.264 videos, with the settings of ImageNet-P, which lose a little, and single images as PNG" in card
    assert "load_dataset" not in card
    kinds = {one["name"]: one["encodingFormat"] for one in described["distribution"][1:]}
    assert (kinds["files-turn"], kinds["files-brightness"]) == ("video/mp4", "image/png")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"form": "parquet", "output": VIDEO}, r'encoding: "video" is for format = "folder"; \'parquet\' holds single'),
        ({"form": "npy", "output": VIDEO}, r"encoding: not for format = 'npy', which stores pixels"),
        ({"output": 'video = "lossless"'}, r'video: only for encoding = "video"'),
        ({"output": f'{VIDEO}\nvideo = "h265"'}, r"video: found 'h265'"),
        ({"output": VIDEO, "rows": '["brightness"]'}, r'encoding: "video" is for rows that make sequences, which none'),
    ],
)
def test_recipes_that_cannot_have_videos_say_why(place, changes, message):
    with pytest.raises(RecipeError, match=message):
        make_plan(write_build(place, **changes))
