"""What video codecs do to an image: a clip is made in which a camera moves over it, and its last frame is shown."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.clips import H264, H265, RATE, Clip, decode_last, encode_clip
from corruptgen.declare import BytesColour, corruption
from corruptgen.randomness.draws import Draws
from corruptgen.runtime.extras import computed_by

# There and back, so that the last frame shows what the first one does, as in the videos of the original.
STEPS = 6
FRAMES = 2 * STEPS - 1
FRAMES_OF_ORIGINAL = 119
WAY = 4.0  # pixels
BLOCK = 16  # pixels; the side of what H.264 encodes at a time
# libx265 reads memory that it has not written where an image is no wider than one of its blocks.
LEAST_SIDE = 64  # pixels
# One thread, for the same bytes everywhere. Without adaptive quantisation, which spares flat parts of the image and so
# cannot keep to the lowest bitrates. With the two coarsest quantisers, 50 and 51, images of 32 pixels come out flat,
# and those of fewer bits may be nearer to the clean image.
OF_X265 = (
    "log-level=none:info=0:pools=none:frame-threads=1:ctu=32:bframes=0:aq-mode=0:cutree=0:qpmax=49:repeat-headers=0"
)
FAST: Mapping[str, str] = MappingProxyType({"preset": "superfast"})  # of libx264 and of libx265
# The first bytes of a slice state which part of which frame it is; without them nothing can be decoded.
PREFIX, SPARED = b"\x00\x00\x01", 11
INFORMATION = 6  # the kind of unit that decoders skip


@corruption
@computed_by("av")
def h265_quality(image: BytesColour, rng: Draws, *, crf: float) -> BytesColour:
    """Show the last frame of a clip of the image that is encoded in H.265 at a quality.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        Samples in [0, 255].
    crf : float
        The constant rate factor of libx265, 0 to 51; more is worse.

    References
    ----------
    After Kar et al. 2022 (3D Common Corruptions), https://arxiv.org/abs/2203.01441, whose videos are rendered, of 119
    frames, and encoded with other settings; in ours a camera moves over the image by 4 pixels and back, in 11 frames.
    """
    return _last_frame(encode_clip(_pan(image, rng), H265, {**FAST, "x265-params": f"{OF_X265}:crf={crf:g}"}), image)


@corruption
@computed_by("av")
def h265_bitrate(image: BytesColour, rng: Draws, *, divisor: float) -> BytesColour:
    """Show the last frame of a clip of the image that is encoded in H.265 at a fraction of its bitrate in H.264.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        Samples in [0, 255].
    divisor : float
        What the bitrate in H.264 is divided by; more is worse. Small images may reach the coarsest quantiser before.

    References
    ----------
    After Kar et al. 2022 (3D Common Corruptions), https://arxiv.org/abs/2203.01441, as `h265_quality`. So short a clip
    is kept to its bitrate by a buffer of its own length.
    """
    frames = _pan(image, rng)
    kilobits = encode_clip(frames, H264, FAST).bytes_of_packets * 8 / 1000 / (FRAMES / RATE)
    return _last_frame(encode_clip(frames, H265, options_of_bitrate(kilobits / divisor)), image)


@corruption
@computed_by("av")
def h264_bit_errors(image: BytesColour, rng: Draws, *, spacing: float) -> BytesColour:
    """Show the last frame of a clip of the image in H.264 some of whose bytes arrive as others.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        Samples in [0, 255].
    spacing : float
        Bytes from one wrong byte to the next on average, in a clip of the original's 119 frames; less is worse. Ours
        has fewer frames, and its wrong bytes are as many times nearer to each other.

    References
    ----------
    After Kar et al. 2022 (3D Common Corruptions), https://arxiv.org/abs/2203.01441, as `h265_quality`, whose wrong
    bytes are chosen by ffmpeg from what it reads. Each 16 rows of ours are a slice, which does not break the others.
    """
    frames = _pan(image, rng)
    clip = encode_clip(frames, H264, {**FAST, "slices": str(-(-frames[0].shape[0] // BLOCK))})
    count, chance = clip.bytes_of_packets, FRAMES_OF_ORIGINAL / FRAMES / spacing
    # From the same draws, as with `paired`, what is wrong at a lower level is wrong at a higher one too.
    wrong, values = rng.random(count) < chance, rng.integers(1, 256, count).astype(np.uint8)
    packets = list(_damaged(clip.packets, np.where(wrong, values, 0).astype(np.uint8)))
    return _last_frame(Clip(clip.form, clip.header, tuple(packets)), image)


def options_of_bitrate(kilobits: float) -> Mapping[str, str]:
    """Return what keeps libx265 to a bitrate, in kilobits a second, over the length of a clip."""
    rate, buffer = (max(1, round(amount)) for amount in (kilobits, kilobits * FRAMES / RATE))
    limits = f"bitrate={rate}:vbv-maxrate={rate}:vbv-bufsize={buffer}:vbv-init=1.0"
    return {**FAST, "x265-params": f"{OF_X265}:{limits}"}


def _pan(image: NDArray[np.uint8], rng: Draws) -> list[NDArray[np.uint8]]:
    """Return what a camera sees that moves over the image and back; beyond the border, the border goes on.

    Sides are even and no smaller than libx265 wants them.
    """
    angle = rng.uniform(0, 2 * np.pi)
    height, width = (max(LEAST_SIDE, side + side % 2) for side in image.shape[:2])
    there = np.linspace(0, WAY, STEPS)
    frames = []
    for way in (*there, *there[-2::-1]):
        move = np.array([[1, 0, way * np.cos(angle)], [0, 1, way * np.sin(angle)]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        seen = cv2.warpAffine(image, move, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        frames.append(seen.astype(np.uint8, copy=False))
    return frames


def _damaged(packets: tuple[bytes, ...], masks: NDArray[np.uint8]) -> Iterator[bytes]:
    """Yield the packets with bits turned over where the masks have some, beside the bytes that are spared."""
    begin = 0
    for packet in packets:
        content = np.frombuffer(packet, np.uint8)
        changed = content ^ masks[begin : begin + len(packet)]
        begin += len(packet)
        starts = _units(packet)
        for start, end in zip(starts, (*starts[1:], len(packet)), strict=True):
            is_skipped = packet[start + len(PREFIX)] & 31 == INFORMATION
            spared = slice(start - 1, end if is_skipped else start + SPARED)
            changed[max(0, spared.start) : spared.stop] = content[max(0, spared.start) : spared.stop]
        yield changed.tobytes()


def _units(packet: bytes) -> list[int]:
    """Return where the units of a packet begin."""
    starts, place = [], packet.find(PREFIX)
    while place >= 0:
        starts.append(place)
        place = packet.find(PREFIX, place + 1)
    return starts


def _last_frame(clip: Clip, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the last frame of a clip at the size of the image; black if nothing of it can be decoded."""
    last = decode_last(clip)
    height, width = image.shape[:2]
    return np.zeros_like(image) if last is None else np.ascontiguousarray(last[:height, :width])
