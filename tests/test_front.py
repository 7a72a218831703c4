"""The front door: kinds of images, severities as numbers, and errors that say what to do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import corruptgen
from corruptgen import corrupt
from corruptgen.errors import CorruptgenError, ImageError, PresetError, SeverityError, UnknownName
from tests.pictures import photograph

COLOUR = photograph(48, 40)
GREY = photograph(48, 40, 1)


def test_arrays_and_pil_images_come_back_as_what_they_were():
    array = corrupt(COLOUR, "contrast", 3)
    picture = corrupt(Image.fromarray(COLOUR), "contrast", 3)
    grey = corrupt(GREY, "contrast", 3)
    flat = corrupt(GREY[..., 0], "contrast", 3)
    grey_picture = corrupt(Image.fromarray(GREY[..., 0]), "contrast", 3)

    assert picture.mode == "RGB"
    assert np.array_equal(np.asarray(picture), array)
    assert grey_picture.mode == "L"
    assert flat.shape == (48, 40)
    assert np.array_equal(flat, grey[..., 0])
    assert np.array_equal(np.asarray(grey_picture), flat)


def test_one_image_in_two_kinds_has_one_name():
    array = corrupt(COLOUR, "gaussian_noise", 3)

    assert np.array_equal(np.asarray(corrupt(Image.fromarray(COLOUR), "gaussian_noise", 3)), array)
    assert np.array_equal(corrupt(np.asfortranarray(COLOUR), "gaussian_noise", 3), array)
    assert np.array_equal(corrupt(GREY[..., 0], "gaussian_noise", 3), corrupt(GREY, "gaussian_noise", 3)[..., 0])


def test_a_key_may_be_a_number_which_is_its_decimal_text():
    assert np.array_equal(corrupt(COLOUR, "shot_noise", 2, key=17), corrupt(COLOUR, "shot_noise", 2, key="17"))


@pytest.mark.parametrize("severity", [3, 3.0, np.int64(3), np.float32(3)])
def test_equal_severities_give_equal_pixels(severity):
    assert np.array_equal(corrupt(COLOUR, "gaussian_noise", severity), corrupt(COLOUR, "gaussian_noise", 3))


def test_a_severity_between_two_levels_has_a_strength_between_theirs():
    flat = np.full((64, 64, 3), 128, np.uint8)

    spread = [corrupt(flat, "gaussian_noise", s, key="a").astype(float).std() for s in (2, 2.25, 2.5, 2.75, 3)]

    assert spread == sorted(spread)
    assert len(set(spread)) == len(spread)


def test_a_numpy_generator_can_stand_in_for_the_keyed_stream():
    one, same, other = (corrupt(COLOUR, "gaussian_noise", 3, rng=np.random.default_rng(seed)) for seed in (71, 71, 72))

    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"row": "gausian_noise"}, UnknownName, "did you mean 'gaussian_noise'"),
        ({"preset": "imagenet_c"}, UnknownName, "did you mean 'imagenet-c'"),
        ({"preset": "mine.toml"}, PresetError, r"mine\.toml: cannot read"),
        ({"severity": 6}, SeverityError, r"outside of 0\.\.5"),
        ({"severity": -0.5}, SeverityError, r"outside of 0\.\.5"),
        ({"severity": float("nan")}, SeverityError, "severity is nan; it must be a number"),
        ({"severity": True}, SeverityError, "must be a number"),
        ({"severity": "3"}, SeverityError, "must be a number"),
        ({"row": "jpeg_compression", "severity": 0.5}, SeverityError, "no clean values"),
        ({"image": COLOUR.astype(float)}, ImageError, "float64; pass uint8"),
        ({"image": np.repeat(COLOUR, 6, axis=2)}, ImageError, r"shape \(48, 40, 18\).*up to 16 channels"),
        ({"image": COLOUR[..., :2], "row": "brightness"}, ImageError, "for grey and colour images, found 2 channels"),
        ({"image": COLOUR[:0]}, ImageError, "none of them 0"),
        ({"image": [[1, 2], [3, 4]]}, ImageError, "numpy array or a PIL image"),
        ({"image": Image.new("RGBA", (40, 40))}, ImageError, "mode RGBA; convert it"),
        ({"image": COLOUR[:20]}, ImageError, r"at least 32×32 pixels, found 20×40; for other sizes use"),
        ({"preset": "imagenet-c"}, ImageError, r"224×224 pixels, found 48×40; for other sizes use .*imagecorruptions"),
    ],
)
def test_wrong_arguments_are_named_with_what_is_allowed(arguments, error, message):
    call = {"image": COLOUR, "row": "gaussian_noise", "severity": 3} | arguments

    with pytest.raises(error, match=message) as raised:
        corrupt(call.pop("image"), call.pop("row"), call.pop("severity"), **call)

    assert isinstance(raised.value, CorruptgenError)


def test_presets_and_rows_are_listed():
    assert {"imagenet-c", "imagenet-c-299", "imagenet-c-64", "cifar-c", "imagecorruptions", "natural"} <= set(
        corruptgen.presets()
    )
    for preset in corruptgen.presets():
        rows = corruptgen.rows(preset)
        assert 0 < len(rows) == len(set(rows))


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(8, 70),
    width=st.integers(8, 70),
    channels=st.sampled_from([1, 3]),
    row=st.sampled_from(corruptgen.rows("natural")),
    severity=st.floats(1, 5),
    key=st.text(max_size=8),
)
def test_any_image_goes_through_any_row_at_any_severity(height, width, channels, row, severity, key):
    image = photograph(height, width, channels)

    once, again = (corrupt(image, row, severity, preset="natural", key=key) for _ in range(2))

    assert once.shape == image.shape
    assert np.array_equal(once, again)
