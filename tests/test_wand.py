"""Our closed form of ImageMagick's motion blur against ImageMagick itself, through Wand."""

import cv2
import numpy as np
import pytest

from corruptgen.ops.motion import motion_blurred
from tests.pictures import photograph

wand_image = pytest.importorskip(
    "wand.image", reason="needs the library libmagickwand (on Debian: libmagickwand-6.q16-6)", exc_type=ImportError
)


def quantum():
    """Return the name of what this ImageMagick does when its 16 bits become 8."""
    from wand.version import MAGICK_HDRI, MAGICK_VERSION_NUMBER  # noqa: PLC0415 - there only with the library

    truncates = MAGICK_VERSION_NUMBER >= 0x690 and not MAGICK_HDRI
    return "truncated" if truncates else "rounded"


def blurred_by_wand(image, radius, sigma, angle):
    _, png = cv2.imencode(".png", image[..., ::-1])
    with wand_image.Image(blob=png.tobytes()) as picture:
        picture.motion_blur(radius=radius, sigma=sigma, angle=angle)
        blob = picture.make_blob("png")
    decoded = cv2.imdecode(np.frombuffer(blob, np.uint8), cv2.IMREAD_COLOR)
    return decoded[..., ::-1]


@pytest.mark.parametrize("angle", [-135.0, -91.3, -45.0, -17.2, 0.0, 8.9, 33.3, 45.0])
@pytest.mark.parametrize(("radius", "sigma"), [(10, 3), (15, 12), (20, 15), (6, 1.5)])
def test_motion_blur_is_that_of_imagemagick(radius, sigma, angle):
    image = np.ascontiguousarray(photograph(61, 77))

    ours = motion_blurred(image, radius=radius, sigma=sigma, angle=angle, quantum=quantum())

    assert np.array_equal(ours, blurred_by_wand(image, radius, sigma, angle))
