"""Transforms: what is taken and returned, what is drawn, and that a draw can be applied again."""

import copy
import pickle
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
import torch
from PIL import Image

import corruptgen
from corruptgen import Corrupt, corrupt
from corruptgen.errors import ArgumentError, ImageError, SeverityError, UnknownName
from corruptgen.tables import catalog
from corruptgen.transforms import (
    PRIME,
    AugMedMNISTC,
    AugMix,
    Draw,
    GaussianNoise,
    Keyed,
    PatchGaussian,
    SpeckleNoise,
)
from corruptgen.transforms.module import CorruptModule
from tests.pictures import photograph

COLOUR = photograph(40, 36)
GREY = photograph(40, 36, 1)
WORDS = (np.arange(40 * 36, dtype=np.uint16) * 45).reshape(40, 36, 1)
PLANES = torch.from_numpy(COLOUR.transpose(2, 0, 1).copy())
BATCH = torch.stack([PLANES, PLANES.flip(1)])

PICTURES = [
    *(pytest.param(Image.fromarray(COLOUR).convert(mode), id=mode) for mode in ("RGB", "L", "RGBA", "LA")),
    pytest.param(Image.fromarray(WORDS[..., 0]), id="I;16"),
    pytest.param(COLOUR, id="array"),
    pytest.param(GREY, id="grey array"),
    pytest.param(GREY[..., 0], id="flat array"),
    pytest.param(WORDS, id="16 bits"),
    pytest.param(np.stack([COLOUR, COLOUR]), id="batch of arrays"),
    pytest.param(COLOUR / 255, id="float64 array"),
    pytest.param((COLOUR / 255).astype(np.float32), id="float32 array"),
    pytest.param(PLANES, id="tensor"),
    pytest.param(PLANES[:1], id="grey tensor"),
    pytest.param(torch.from_numpy(WORDS.transpose(2, 0, 1).copy()), id="tensor of 16 bits"),
    pytest.param(PLANES[0], id="flat tensor"),
    pytest.param(BATCH, id="batch"),
    pytest.param(BATCH.to(memory_format=torch.channels_last), id="batch, channels last"),
    *(pytest.param(PLANES.to(t) / 255, id=str(t)) for t in (torch.float32, torch.float64, torch.float16)),
    pytest.param(PLANES.to(torch.bfloat16) / 255, id="torch.bfloat16"),
    pytest.param(BATCH / 255, id="float batch"),
]
TRANSFORMS = [
    pytest.param(Corrupt("natural", seed=3), id="Corrupt"),
    pytest.param(AugMedMNISTC("medical", ["noise", "brightness_up"], seed=3), id="AugMedMNISTC"),
    pytest.param(AugMix(seed=3), id="AugMix"),
    pytest.param(AugMix(all_operations=True, depth=2, width=2, seed=3), id="AugMix, all operations"),
    pytest.param(PRIME(seed=3), id="PRIME"),
    pytest.param(PRIME("cifar", corner=True, seed=3), id="PRIME for CIFAR"),
    pytest.param(GaussianNoise(seed=3), id="GaussianNoise"),
    pytest.param(SpeckleNoise(0.3, seed=3), id="SpeckleNoise"),
    pytest.param(PatchGaussian(seed=3), id="PatchGaussian"),
    pytest.param(PatchGaussian(60, any_width=True, seed=3), id="PatchGaussian of any width"),
]


def samples(picture):
    return picture.float().numpy() if isinstance(picture, torch.Tensor) else np.asarray(picture)


def kind(picture):
    if isinstance(picture, Image.Image):
        return picture.mode, picture.size
    return type(picture), picture.dtype, tuple(picture.shape), getattr(picture, "device", None)


@pytest.mark.parametrize("picture", PICTURES)
def test_a_picture_comes_back_as_what_it_was_changed_and_itself_untouched(picture):
    before = samples(picture).copy()

    result = GaussianNoise(0.2, seed=3)(picture)

    assert kind(result) == kind(picture)
    assert np.array_equal(samples(picture), before)
    assert 0.3 < np.mean(samples(result) != before) <= 1
    assert samples(result).min() >= 0
    assert samples(result).max() <= (1 if before.max() <= 1 else 255 if before.max() <= 255 else 65535)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_every_kind_has_the_pixels_of_the_array(transform):
    draw = transform.draw("a")

    array = transform.apply(COLOUR, draw)

    assert np.array_equal(np.asarray(transform.apply(Image.fromarray(COLOUR), draw)), array)
    assert np.array_equal(transform.apply(PLANES, draw).permute(1, 2, 0), array)
    assert np.array_equal(
        transform.apply(PLANES / 255, draw).permute(1, 2, 0).numpy(), np.float32(array) / np.float32(255)
    )
    assert array.dtype == np.uint8
    assert transform.apply(GREY, transform.draw("a")).shape == GREY.shape


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_draw_is_small_and_applied_again_gives_the_same(transform):
    for key in ("a", "b"):
        draw = transform.draw(key)
        travelled, other = pickle.loads(pickle.dumps((draw, transform)))

        assert len(pickle.dumps(draw)) < 300
        assert travelled == draw == other.draw(key)
        assert hash(travelled) == hash(draw)
        assert np.array_equal(other.apply(COLOUR, travelled), transform.apply(COLOUR, draw))
        assert np.array_equal(copy.deepcopy(transform)(COLOUR, key=key), transform.apply(COLOUR, draw))
    assert not np.array_equal(transform(COLOUR, key="c"), transform(COLOUR, key="d"))


def test_a_draw_of_a_corruption_names_what_corrupt_does():
    transform = Corrupt("natural", severity=(0.0, 5.0), rows=["gaussian_noise", "motion_blur"], seed=9)

    draw = transform.draw("a.png")

    pixels = corrupt(COLOUR, draw.row, draw.severity, preset="natural", seed=draw.seed, key=draw.key)
    assert np.array_equal(transform.apply(COLOUR, draw), pixels)
    assert (draw.key, draw.seed) == ("a.png", 9)


def test_every_image_of_a_batch_has_draws_of_its_own():
    flat = torch.full((5, 3, 16, 16), 128, dtype=torch.uint8)
    transform = Corrupt("natural", "gaussian_noise", 2, seed=1)

    called = transform(flat, key=range(5))
    applied = transform.apply(flat, transform.draw("whole"))

    assert len({image.numpy().tobytes() for image in (*called, *applied)}) == 10
    for n in range(5):
        assert torch.equal(called[n], transform(flat[n], key=n))


def test_a_seeded_call_without_a_key_is_named_by_the_pixels():
    transform = Corrupt("natural", seed=1)

    assert np.array_equal(transform(COLOUR), transform(Image.fromarray(COLOUR)))
    assert transform(COLOUR).tobytes() == transform(COLOUR).tobytes() != transform(COLOUR[::-1])[::-1].tobytes()


def test_an_epoch_draws_anew_and_an_old_one_can_be_had_again():
    transform = GaussianNoise(0.1, seed=1)
    first = transform(COLOUR, key=1)

    transform.set_epoch(1)
    second, counted = transform(COLOUR, key=1), transform.draw()
    transform.set_epoch(0)

    assert not np.array_equal(first, second)
    assert np.array_equal(transform(COLOUR, key=1), first)
    assert counted != transform.draw()


def test_without_a_seed_every_call_and_instance_draws_anew_whatever_the_key():
    one, other = GaussianNoise(0.1), GaussianNoise(0.1)

    keys = [transform.draw(key).key for transform in (one, other) for key in (None, "a", "a")]

    assert len(set(keys)) == 6
    torch.manual_seed(5)
    again = [one.draw(), other.draw()]
    torch.manual_seed(5)
    assert again == [one.draw(), other.draw()]


def test_numbered_calls_of_a_seeded_instance_differ_and_are_repeated_by_another_one():
    one, other = (Corrupt("natural", seed=4) for _ in range(2))

    assert [one.draw() for _ in range(3)] == [other.draw() for _ in range(3)]
    assert len({one.draw() for _ in range(30)}) == 30


@pytest.mark.parametrize(
    ("severity", "allowed"),
    [(3, {3.0}), (2.5, {2.5}), (np.float32(2.5), {2.5}), ("all", {1.0, 2.0, 3.0, 4.0, 5.0}), (0, {0.0})],
)
def test_severities_are_those_that_were_asked_for(severity, allowed):
    transform = Corrupt("natural", ["contrast", "gaussian_noise"], severity, seed=1)

    assert {transform.draw(n).severity for n in range(200)} == allowed


def test_a_range_of_severities_is_filled_evenly():
    transform = Corrupt("natural", "gaussian_noise", (0, 5), seed=1)

    found = np.array([transform.draw(n).severity for n in range(2000)])

    assert found.min() >= 0
    assert found.max() <= 5
    assert np.all(np.abs(np.histogram(found, 5, (0, 5))[0] - 400) < 5 * np.sqrt(320))
    assert len(set(found)) > 1980


def test_rows_are_drawn_evenly_and_groups_are_spelled_out():
    table = catalog.preset("imagecorruptions")
    group = next(iter(table.groups))
    transform = Corrupt("imagecorruptions", group, seed=1)

    counts = Counter(transform.draw(n).row for n in range(3000))

    assert set(counts) == set(transform.rows) == set(table.groups[group])
    expected = 3000 / len(transform.rows)
    assert all(abs(count - expected) < 5 * np.sqrt(expected) for count in counts.values())


def test_a_share_of_the_pictures_is_changed():
    transform = Corrupt("natural", "gaussian_noise", 3, p=0.25, seed=1)

    draws = [transform.draw(n) for n in range(2000)]

    assert abs(sum(draw.severity > 0 for draw in draws) - 500) < 100
    still = next(draw for draw in draws if not draw.severity)
    assert np.array_equal(transform.apply(COLOUR, still), COLOUR)
    assert not np.shares_memory(transform.apply(COLOUR, still), COLOUR)


def test_severity_0_is_the_clean_picture():
    for image in (COLOUR, PLANES, BATCH / 255, Image.fromarray(GREY[..., 0])):
        assert np.array_equal(samples(Corrupt("natural", severity=0)(image)), samples(image))


def test_floats_keep_their_precision_if_they_are_asked_to():
    ramp = np.linspace(0, 1, 40 * 40 * 3, dtype=np.float32).reshape(40, 40, 3)

    coarse, fine = (Corrupt("natural", "contrast", 1, seed=1, eight_bits=bits)(ramp) for bits in (True, False))

    assert len(np.unique(coarse)) <= 256
    assert len(np.unique(fine)) > 3000
    assert np.abs(coarse - fine).max() < 0.01


def test_samples_outside_of_0_to_1_are_refused_and_rounding_errors_are_not():
    ramp = np.linspace(0, 1, 40 * 40 * 3, dtype=np.float32).reshape(40, 40, 3)
    least, most = ramp - np.float32(5e-7), ramp + np.float32(5e-7)

    for transform in (Corrupt("natural", "fog", 2, seed=1), GaussianNoise(0.1, seed=1), AugMix(seed=1)):
        for image in (
            ramp - 0.001,
            ramp + 0.001,
            ramp * 1.5,
            np.full_like(ramp, np.nan),
            np.full_like(ramp, np.inf),
            np.float16(ramp + 0.01),
        ):
            with pytest.raises(ImageError, match=r"pass \[0, 1\]: corrupt before you normalise, and clip"):
                transform(image)
            with pytest.raises(ImageError, match="float samples from"):
                transform(torch.from_numpy(image).permute(2, 0, 1))
        assert [transform(image).shape for image in (least, most)] == [ramp.shape] * 2


def test_an_alpha_channel_moves_where_the_pixels_do():
    square = np.zeros((96, 128, 4), np.uint8)
    square[30:70, 40:90] = 255

    for mode in ("RGBA", "LA"):
        picture = Image.fromarray(square).convert(mode)
        for preset in ("natural", "imagecorruptions"):
            result = np.asarray(Corrupt(preset, "elastic_transform", 5, seed=1)(picture))

            white, opaque = result[..., 0] > 127, result[..., -1] > 127
            assert not np.array_equal(opaque, square[..., 3] > 127)
            assert np.mean(white != opaque) < 0.001
    with pytest.raises(ImageError, match="alpha channel, and mixing moves"):
        AugMix(seed=1)(picture)
    with pytest.raises(ImageError, match="alpha channel, and mixing moves"):
        PRIME(seed=1).apply(picture, PRIME(seed=1).draw("a"))


def test_alpha_stays_as_it_was():
    picture = Image.merge("RGBA", [*Image.fromarray(COLOUR).split(), Image.fromarray(GREY[..., 0])])

    result = Corrupt("natural", "gaussian_noise", 3)(picture)

    assert np.array_equal(np.asarray(result)[..., 3], GREY[..., 0])
    assert not np.array_equal(np.asarray(result)[..., :3], COLOUR)


def test_what_belongs_to_the_picture_is_given_back_beside_it():
    image, label, more = Corrupt("natural", seed=1)(COLOUR, 7, {"a": 1})

    assert (label, more) == (7, {"a": 1})
    assert image.shape == COLOUR.shape


def test_a_mask_moves_with_the_pixels_of_a_row_that_moves_them():
    transform = Corrupt("natural", ["elastic_transform", "gaussian_noise"], 5, seed=1)
    moving, still = (next(d for d in map(transform.draw, range(99)) if transform.moves(d) is m) for m in (True, False))
    mask = (GREY[..., 0] > 100).astype(np.int64)

    moved = transform.apply_to_mask(mask, moving)
    tensor = transform.apply_to_mask(torch.from_numpy(mask)[None], moving)
    image = transform.apply(np.uint8(mask * 255)[..., None].repeat(3, 2), moving)[..., 0]

    assert not np.array_equal(moved, mask)
    assert np.mean((image > 127) == moved) > 0.97 > np.mean((image > 127) == mask)
    assert np.array_equal(tensor[0], moved)
    assert (tensor.dtype, tensor.shape) == (torch.int64, (1, 40, 36))
    assert transform.apply_to_mask(mask, still) is mask
    assert transform.warp(COLOUR, still) is None
    assert np.array_equal(np.uint8(np.rint(transform.warp(GREY, moving).moved(GREY / 1.0)))[5:-5, 5:-5],
                          transform.apply(GREY, moving)[5:-5, 5:-5])  # fmt: skip


def test_boxes_points_and_masks_move_as_the_picture_does():
    square = np.zeros((48, 64, 3), np.uint8)
    square[10:34, 12:40] = 255
    transform = Corrupt("natural", "elastic_transform", 5, seed=1)
    for key in range(5):
        draw = transform.draw(key)

        motion, seen = transform.motion((48, 64), draw), transform.apply(square, draw)[..., 0] > 127

        rows, columns = np.nonzero(seen)
        around = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        (box,) = motion.boxes(np.array([[12.0, 10, 40, 34]]))
        assert np.abs(box - around).max() <= 1.2
        assert np.mean(motion.masks(square[None, ..., 0] > 0)[0] == seen) > 0.99
        (point,) = motion.points(np.array([[12.0, 10.0]]))
        corner = seen[: int(point[1]) + 3, : int(point[0]) + 3]
        assert 1 <= corner.sum() <= 40
    assert Corrupt("natural", "fog", 3, seed=1).motion((48, 64), Corrupt("natural", "fog", 3, seed=1).draw(1)) is None


def test_a_pipeline_that_cannot_carry_targets_says_so_at_its_first_call_whatever_is_drawn():
    boxes, image = {"boxes": torch.zeros(1, 4)}, COLOUR
    for seed in range(8):
        with pytest.raises(
            ImageError, match=r"elastic_transform moves pixels: 'boxes' came with the picture as a Tensor"
        ):
            Corrupt("natural", seed=seed)(image, boxes)
        with pytest.raises(ImageError, match="'masks' came with the picture"):
            Keyed([{"image": image, "target": [{"masks": GREY}]}], Corrupt("natural", seed=seed))[0]
        with pytest.raises(ImageError, match="'bbox' came with the picture"):
            AugMix(seed=seed)(image, {"objects": [{"bbox": [1, 2, 3, 4]}]})
    still = [row for row in corruptgen.rows("natural") if row not in ("elastic_transform", "interference")]
    assert Corrupt("natural", still, seed=1)(image, boxes)[1] is boxes


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Corrupt("natral"), UnknownName, "did you mean 'natural'"),
        (lambda: Corrupt("natural", "fogg"), UnknownName, "did you mean 'fog'"),
        (lambda: Corrupt("natural", []), UnknownName, "rows is empty"),
        (lambda: Corrupt("natural", severity=6), SeverityError, r"outside of 0\.\.5"),
        (lambda: Corrupt("natural", severity="most"), SeverityError, 'or "all"'),
        (lambda: Corrupt("natural", severity=(3, 2)), SeverityError, "low < high"),
        (lambda: Corrupt("natural", severity=True), SeverityError, "pass a number"),
        (lambda: Corrupt("imagecorruptions", "jpeg_compression", (0, 3)), SeverityError, "begin at 1"),
        (lambda: Corrupt("natural", p=1.5), SeverityError, "from 0 to 1"),
        (lambda: GaussianNoise((0.2, 0.1)), SeverityError, "low, high"),
        (lambda: PatchGaussian(0), SeverityError, "above 0"),
        (lambda: AugMix(severity=11), SeverityError, "at most 10"),
        (lambda: AugMix(views=2), ArgumentError, "1 or 3"),
        (lambda: PRIME("cifar10"), UnknownName, "did you mean 'cifar'"),
    ],
)
def test_wrong_choices_are_named_when_the_transform_is_made(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("a.png", "pass a PIL image, a numpy array or a torch tensor"),
        (Image.new("CMYK", (40, 40)), "mode CMYK; convert it"),
        (COLOUR[..., :2], r"shape \(40, 36, 2\)"),
        (COLOUR.astype(np.int64), "type int64"),
        (COLOUR.astype(np.float32), "corrupt before you normalise"),
        ((PLANES / 255 - 0.5) / 0.2, "corrupt before you normalise"),
        (torch.full((3, 40, 36), float("nan")), "from nan to nan"),
        (PLANES.permute(1, 2, 0), r"tensor has shape \(40, 36, 3\)"),
        (PLANES > 100, "type bool"),
        (torch.zeros(0, 3, 40, 36), "none of them 0"),
    ],
)
def test_wrong_pictures_are_named_with_what_to_do(image, message):
    with pytest.raises(ImageError, match=message):
        Corrupt("natural", seed=1)(image)


def test_keys_and_draws_must_fit_the_batch():
    transform = Corrupt("natural", seed=1)

    with pytest.raises(ImageError, match="3 keys for 2 images"):
        transform(BATCH, key=[1, 2, 3])
    with pytest.raises(ImageError, match="1 draws for 2 images"):
        transform.apply(BATCH, [transform.draw()])


def test_sixteen_bits_are_refused_by_mixing():
    with pytest.raises(ImageError, match="type uint16; mixing takes uint8"):
        AugMix()(WORDS)


def test_a_module_changes_batches_and_stands_in_a_network():
    module = CorruptModule("natural", rows="gaussian_noise", severity=3, seed=2)
    network = torch.nn.Sequential(module, torch.nn.Conv2d(3, 2, 3))

    images = BATCH / 255
    changed = module(images, key=["a", "b"])

    assert kind(changed) == kind(images)
    assert network(images.requires_grad_()).shape == (2, 2, 38, 34)
    assert torch.equal(module.apply_draw(images[0].detach(), Draw("gaussian_noise", 3.0, "a", 2)), changed[0])
    assert torch.equal(pickle.loads(pickle.dumps(module))(images, key=["a", "b"]), changed)
    assert "gaussian_noise" in repr(network)
    module.set_epoch(1)
    assert not torch.equal(module(images, key=["a", "b"]), changed)
    assert CorruptModule(AugMix(seed=1))(BATCH).shape == BATCH.shape


def test_transforms_load_no_framework():
    code = (
        "import sys, numpy, corruptgen; from corruptgen.transforms import AugMix\n"
        "image = numpy.zeros((32, 32, 3), 'uint8'); corruptgen.Corrupt('natural')(image); AugMix()(image)\n"
        "print([m for m in ('torch', 'datasets', 'albumentations', 'maite', 'skimage') if m in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.stdout.strip() == "[]", done.stderr
    with pytest.raises(AttributeError):
        _ = corruptgen.transforms.Nothing
