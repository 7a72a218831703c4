"""The rows of 3D Common Corruptions that are made by codecs of video."""

import itertools
import sys

import numpy as np
import pytest

import corruptgen
from corruptgen.codecs import clips
from corruptgen.corruptions.common import video_coding
from corruptgen.engine.identity import identify
from corruptgen.errors import ImageError, MissingPackage
from corruptgen.tables import catalog
from tests.pictures import photograph

PRESET = "3dcc-motion"
ROWS = ("bit_error", "h265_crf", "h265_abr")
IMAGE = photograph(96, 128)


@pytest.fixture
def _encoders():
    for form in clips.ENCODERS:
        try:
            clips.check_encoder(form)
        except MissingPackage as error:
            pytest.skip(str(error))


needs_encoders = pytest.mark.usefixtures("_encoders")


def corrupt(image, row, level, key="a"):
    return corruptgen.corrupt(image, row, level, preset=PRESET, key=key)


def distance(image, other):
    """Return the mean difference of two images."""
    return np.abs(image.astype(int) - other).mean()


def test_the_levels_are_those_that_were_published():
    rows = catalog.preset(PRESET).content

    assert rows["bit_error"]["spacing"] == [100000, 50000, 30000, 20000, 10000]
    assert rows["h265_crf"]["crf"] == [24, 26, 32, 39, 41]
    assert rows["h265_abr"]["divisor"] == [2, 4, 8, 16, 32]


@needs_encoders
@pytest.mark.parametrize("row", ROWS)
def test_each_level_is_farther_from_the_clean_image(row):
    keys = range(6 if row == "bit_error" else 1)
    distances = [
        np.mean([distance(IMAGE, corrupt(IMAGE, row, level, str(key))) for key in keys]) for level in range(1, 6)
    ]

    assert all(harder > easier for easier, harder in itertools.pairwise(distances)), distances
    assert distances[4] > 1.5 * distances[0]


@needs_encoders
@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("size", [(32, 32), (61, 47)])
def test_the_same_key_has_the_same_pixels_at_any_size(row, size):
    # An image no wider than a block of libx265 would be encoded differently each time.
    for channels in (3, 1):
        image = photograph(*size, channels)
        results = {corrupt(image, row, 3).tobytes() for _ in range(4)}

        assert len(results) == 1
        assert corrupt(image, row, 3).shape == image.shape


@needs_encoders
def test_the_last_frame_shows_the_image_where_it_was():
    for row in ROWS:
        made = corrupt(IMAGE, row, 1, "whole").astype(float)
        inner = np.s_[8:-8, 8:-8]
        shifted = [np.abs(np.roll(made, by, axis)[inner] - IMAGE[inner]).mean() for by in (-2, 2) for axis in (0, 1)]

        assert distance(IMAGE[inner], made[inner]) < 0.6 * min(shifted), row


@needs_encoders
def test_wrong_bytes_are_as_far_apart_as_the_level_says_and_spare_what_begins_a_slice():
    frames = [photograph(96, 128)] * 3
    clip = clips.encode_clip(frames, clips.H264, {"preset": "superfast", "slices": "6"})
    everything = np.full(clip.bytes_of_packets, 255, np.uint8)

    damaged = list(video_coding._damaged(clip.packets, everything))

    for packet, other in zip(clip.packets, damaged, strict=True):
        assert len(packet) == len(other)
        starts = video_coding._units(packet)
        for place in starts:
            assert packet[place : place + video_coding.SPARED] == other[place : place + video_coding.SPARED]
        # All slices but their beginnings; the first packet has the encoder's name in a unit of its own besides.
        spared = (len(starts) + 1) * (video_coding.SPARED + 1) + (800 if packet is clip.packets[0] else 0)
        assert sum(one != another for one, another in zip(packet, other, strict=True)) >= len(packet) - spared
    assert clips.decode_last(clips.Clip(clip.form, clip.header, tuple(damaged))).shape == (96, 128, 3)


@needs_encoders
def test_a_clip_of_which_nothing_arrives_is_no_frame():
    assert clips.decode_last(clips.Clip(clips.H264, b"", (b"\x00\x00\x01\x65" + bytes(range(60)),))) is None


@needs_encoders
def test_bitrates_are_kept_to():
    frames = video_coding._pan(IMAGE, np.random.RandomState(1843956201))
    lengths = [clips.encode_clip(frames, clips.H264, video_coding.FAST).bytes_of_packets]
    for divisor in (2, 4, 8):
        kilobits = lengths[0] * 8 / 1000 / (video_coding.FRAMES / clips.RATE) / divisor
        lengths.append(
            clips.encode_clip(frames, clips.H265, video_coding.options_of_bitrate(kilobits)).bytes_of_packets
        )

        assert lengths[-1] == pytest.approx(lengths[0] / divisor, rel=0.75)
    assert lengths == sorted(lengths, reverse=True)


@needs_encoders
def test_an_image_that_the_encoder_does_not_take_is_named():
    with pytest.raises(ImageError, match=r"libx264 does not encode images of 2×20000 pixels"):
        clips.encode_clip([np.zeros((2, 20000, 3), np.uint8)], clips.H264, {})


def test_builds_record_the_version_of_the_package_for_these_rows_alone():
    av = pytest.importorskip("av")
    table = catalog.preset(PRESET)

    assert identify(table, ["h265_crf"])["libraries"]["av"] == {"version": av.__version__}
    assert "av" not in identify(table, ["xy_motion_blur"])["libraries"]


@pytest.mark.parametrize("row", ROWS)
def test_without_the_package_the_message_names_the_extra(row, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)

    with pytest.raises(MissingPackage, match=r"needs av: pip install 'corruptgen\[video\]'"):
        corrupt(IMAGE, row, 1)


def test_a_build_of_the_package_without_the_encoder_is_named(monkeypatch):
    pytest.importorskip("av")
    monkeypatch.setattr(clips, "ENCODERS", {clips.H264: "libx264", clips.H265: "libx265_of_no_build"})

    with pytest.raises(
        MissingPackage, match=r"H\.265 needs libx265_of_no_build, .* built without; .*corruptgen\[video\]"
    ):
        corrupt(IMAGE, "h265_crf", 1)
