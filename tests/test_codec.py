"""Codecs: the fast libraries give what Pillow gives, and what we write ourselves can be read by others."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from corruptgen.codecs.images import decode_lossless_file, decoded, encode_image
from corruptgen.codecs.png import COMPRESSIONS, encode_png
from corruptgen.errors import Rejected
from corruptgen.records import Decoding, Encoding
from tests.pictures import photograph

SIZES = ((224, 224), (33, 47), (8, 8), (1, 1), (5, 300))


def saved(picture, form, **options):
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def noisy(image):
    noise = np.random.RandomState(1843956201).normal(0, 30, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_files_are_byte_for_byte_those_of_pillow(size, channels):
    for image in (photograph(*size, channels), noisy(photograph(*size, channels))):
        picture = Image.fromarray(image[..., 0] if channels == 1 else image)
        for quality in (1, 30, 85, 95, 100):
            expected = saved(picture, "JPEG", quality=quality, optimize=True)

            assert encode_image(image, Encoding("jpeg", quality)) == expected


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("progressive", [False, True])
def test_photographs_are_decoded_to_the_pixels_of_pillow(size, subsampling, progressive):
    for quality in (20, 75, 97):
        options = {"quality": quality, "subsampling": subsampling, "progressive": progressive}
        content = saved(Image.fromarray(photograph(*size)), "JPEG", **options)

        assert np.array_equal(decoded(content, Decoding()), Image.open(io.BytesIO(content)))


@pytest.mark.parametrize("keep_rgb", [False, True])
def test_jpegs_that_are_not_stored_as_luma_and_chroma_are_decoded_too(keep_rgb):
    for picture in (Image.fromarray(photograph(33, 47)), Image.fromarray(photograph(33, 47)).convert("CMYK")):
        content = saved(picture, "JPEG", keep_rgb=keep_rgb, subsampling="4:4:4", icc_profile=b"a profile")

        assert np.array_equal(decoded(content, Decoding()), Image.open(io.BytesIO(content)).convert("RGB"))


def deep(image):
    """Return an image with 16 bits, of which all are used."""
    return (image.astype(np.uint16) << 8) + image[::-1]


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", SIZES)
def test_every_png_reader_gets_the_pixels_back(size, channels, compression):
    eight = photograph(*size, channels)
    for image in (eight, noisy(eight), deep(eight), np.asfortranarray(eight)):
        content = encode_png(image, compression)

        by_opencv = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED).reshape(image.shape)
        assert np.array_equal(by_opencv if channels == 1 else by_opencv[..., ::-1], image)
        with Image.open(io.BytesIO(content)) as picture:
            picture.verify()
        if image.dtype == np.uint8:
            assert np.array_equal(decode_lossless_file(content), image)
        elif channels == 1:
            assert np.array_equal(np.asarray(Image.open(io.BytesIO(content))), image[..., 0])


def test_the_names_of_compressions_say_what_they_do():
    image = photograph(224, 224)

    stored, fast, small = (len(encode_png(image, compression)) for compression in ("stored", "fast", "small"))

    assert small < fast < 1.2 * small
    assert stored > image.size


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_flipped_bit_in_a_png_is_noticed(compression):
    content = bytearray(encode_png(photograph(33, 47), compression))
    content[len(content) // 2] ^= 1

    with pytest.raises(Rejected, match="cannot be decoded"):
        decoded(bytes(content), Decoding())
