"""Sequences of frames: those of the original ImageNet-P, drawn again, and what holds for every row of every table."""

import hashlib
import json
from functools import partial
from itertools import islice, pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import skimage.data
from PIL import Image

import corruptgen
from corruptgen.errors import ImageError, PresetError, SeverityError
from corruptgen.randomness import rng_for
from corruptgen.tables import catalog
from tests.legacy import LegacyDraws
from tests.pictures import photograph

PINS = json.loads((Path(__file__).parent / "golden/imagenet_p.json").read_text("utf-8"))["variants"]
TABLES = {
    "224": "imagenet-p",
    "299": "imagenet-p-299",
    "64": "imagenet-p-64",
    "tiny": "tiny-imagenet-p",
    "cifar": "cifar-p",
}
# Single samples of a few frames differ, since libraries are newer: scripts/parity_originals.py says by how much.
NEARLY = {"224/spatter/1/s256land", "224/spatter/1/s256port", "299/spatter/1/sfull", "299/gaussian_noise/3/sfull"}
NAMES = [f"{variant}/{entry}" for variant, pins in PINS.items() for entry in pins["entries"]]
# Those of "tiny" differ from those of "64" in the crop alone.
LONG = ("224", "299", "tiny")
ROWS = [(table, row) for table in TABLES.values() for row in corruptgen.rows(table)]


class TorchDraws(LegacyDraws):
    """The draws of an original whose normal ones are torch's."""

    def __init__(self, seed):
        super().__init__(seed)
        torch = pytest.importorskip("torch")
        generator = torch.Generator().manual_seed(seed)
        draw = partial(torch.randn, generator=generator)
        setattr(self, "standard_normal", lambda size: draw(size).numpy())  # noqa: B010 - in place of a method


def truncating(table, folder):
    """Write a table for the ImageMagick that the originals were run with, which truncates."""
    text = (Path(corruptgen.__file__).parent / f"tables/data/{table}.toml").read_text("utf-8")
    path = folder / f"{table}.toml"
    path.write_text(text.replace('"rounded"', '"truncated"'), "utf-8")
    return str(path)


def picture_for(table):
    """Return a picture that a table takes: larger than its images, or of their size where it crops nothing."""
    return photograph(32, 32) if table == "cifar-p" else photograph(300, 340)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.long] if name.startswith(LONG) else [])
        for name in NAMES
        if name not in NEARLY
    ],
)
def test_the_frames_are_those_of_the_original(name, tmp_path):
    variant, row, difficulty, picture = name.split("/")
    pin, described = PINS[variant]["entries"][name.partition("/")[2]], PINS[variant]["pictures"][picture]
    image = np.ascontiguousarray(eval(described["expression"], {"skimage": SimpleNamespace(data=skimage.data)}))
    assert hashlib.sha256(image.tobytes()).hexdigest() == described["sha256"]
    draws = (TorchDraws if row == "gaussian_noise" else LegacyDraws)(pin["seed"])
    table = truncating(TABLES[variant], tmp_path)

    digest, count = hashlib.sha256(), 0
    for frame in corruptgen.frames(image, row, int(difficulty), preset=table, rng=draws):
        digest.update(np.ascontiguousarray(frame))
        count += 1

    assert count == pin["count"]
    assert digest.hexdigest() == pin["frames"]


@pytest.mark.parametrize(("table", "row"), ROWS)
def test_a_frame_alone_is_the_frame_of_the_whole_and_only_its_key_decides(table, row):
    picture = picture_for(table)
    before = picture.copy()
    options = {"preset": table, "key": "a", "severity": 2}
    whole = list(islice(corruptgen.frames(picture, row, **options), 4))

    alone = next(islice(corruptgen.frames(picture, row, **options), 3, None))

    assert np.array_equal(alone, whole[3])
    assert np.array_equal(picture, before)
    assert all(frame.dtype == np.uint8 and frame.shape == whole[0].shape for frame in whole)
    assert not all(np.array_equal(one, other) for one, other in pairwise(whole))
    other = list(islice(corruptgen.frames(picture, row, **options | {"key": "b"}), 4))
    assert all(map(np.array_equal, whole, other)) != catalog.preset(table).cell(row, 2).draws


@pytest.mark.parametrize("row", corruptgen.rows("cifar-p"))
def test_grey_images_and_pillow_images_give_frames_of_their_kind(row):
    grey, colour = photograph(32, 32)[..., 0], photograph(32, 32)

    flat = next(corruptgen.frames(grey, row, preset="cifar-p", key="a"))
    pillow = next(corruptgen.frames(Image.fromarray(colour), row, preset="cifar-p", key="a"))
    array = next(corruptgen.frames(colour, row, preset="cifar-p", key="a"))

    assert flat.shape == (32, 32)
    assert isinstance(pillow, Image.Image)
    assert np.array_equal(np.asarray(pillow), array)


def test_real_content_enters_at_the_border_of_a_picture_that_is_larger_than_its_crop():
    picture = photograph(256, 256)
    frames = list(corruptgen.frames(picture, "translate", preset="imagenet-p"))

    assert len(frames) == 41
    for right, frame in zip(range(-16, 17), frames[4:37], strict=True):
        assert np.array_equal(frame, picture[16:240, 16 - right : 240 - right])
    assert (frames[0][:, -1] == 0).all()


def test_an_image_of_the_tables_size_is_taken_as_it_is_by_rows_that_move_nothing():
    image = photograph(224, 224)

    assert np.array_equal(next(corruptgen.frames(image, "gaussian_noise", preset="imagenet-p")), image)
    assert np.array_equal(next(corruptgen.frames(image, "brightness", 0, preset="imagenet-p")), image)


def test_frames_are_made_one_at_a_time():
    taken = []

    class Counting:
        def __getattr__(self, name):
            taken.append(name)
            return getattr(rng_for(0, "", None, ""), name)

    frames = corruptgen.frames(photograph(32, 32), "shot_noise", preset="cifar-p", rng=Counting())
    taken.clear()
    next(frames)
    assert taken == []
    next(frames)
    assert taken == ["poisson"]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        ({"preset": "natural", "row": "fog"}, ImageError, "fog of natural makes one image of an image; use corruptgen"),
        ({"preset": "cifar-p", "row": "rotate", "severity": 4}, SeverityError, "outside"),
        ({"preset": "imagenet-p-64", "row": "rotate", "image": np.zeros((9, 9, 4), np.uint8)}, ImageError, "4 chan"),
        ({"preset": "cifar-p", "row": "rotate", "image": photograph(40, 40)}, ImageError, "for images of 32×32"),
    ],
)
def test_what_has_no_frames_says_why(call, error, message):
    call = {"image": photograph(32, 32), "severity": 1} | call
    with pytest.raises(error, match=message):
        corruptgen.frames(call.pop("image"), call.pop("row"), call.pop("severity"), **call)


def test_a_row_of_frames_is_refused_where_one_image_is_wanted():
    with pytest.raises(ImageError, match=r"tilt of cifar-p is a sequence of frames; corruptgen\.frames makes them"):
        corruptgen.corrupt(photograph(32, 32), "tilt", 1, preset="cifar-p")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("view = { crop = 0 }", r"\[preset\] prepared|view crop: found 0, allowed are pixels"),
        ("view = { side = 3 }", "allowed is a table of resize, crop, order, interpolation"),
        ('view = { order = "crop" }', "view order: found 'crop', allowed are resize-crop, crop-resize"),
        ("prepared = 3", "prepared: found 3, allowed is a table of"),
    ],
)
def test_steps_of_a_table_that_cannot_be_read_say_what_is_allowed(tmp_path, keys, message):
    table = tmp_path / "mine.toml"
    table.write_text(
        f'[preset]\ntitle = "x"\nlevels = 1\n{keys}\n[rotate]\nuse = "rotate_frames"\nframes = 3\nfirst = 0.0\n',
        "utf-8",
    )

    with pytest.raises(PresetError, match=message):
        catalog.preset(str(table))
