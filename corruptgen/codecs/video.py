"""Videos: the frames of a sequence in one H.264 file, without loss or with the settings of ImageNet-P."""

import io
from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.errors import Rejected
from corruptgen.runtime.extras import need

LOSSLESS, IMAGENET_P = "lossless", "imagenet-p"
SETTINGS = (LOSSLESS, IMAGENET_P)
# Of ImageNet-P: ffmpeg with `-vcodec libx264 -preset veryslow -crf 20`, or `-tune grain` for noises, 1 frame a second.
PUBLISHED: Mapping[bool, Mapping[str, str]] = MappingProxyType(
    {
        False: MappingProxyType({"preset": "veryslow", "crf": "20"}),
        True: MappingProxyType({"preset": "veryslow", "tune": "grain"}),
    }
)
RATE = 1  # frames of a second
# What decoders make of videos without colour.
GREY = ("gray", "yuv420p", "yuvj420p")
# Of an MP4 file, which begins with the length of its first box and this name.
MAGIC, MAGIC_PLACE = b"ftyp", slice(4, 8)
PURPOSE = '[output] encoding = "video"'


def is_video(content: bytes) -> bool:
    """Check whether a file is a video of ours."""
    return content[MAGIC_PLACE] == MAGIC


def encode_video(frames: NDArray[np.uint8], settings: str, *, is_noise: bool) -> bytes:
    """Return the bytes of an MP4 file; equal frames produce equal bytes, which hold no time.

    Parameters
    ----------
    frames : ndarray of uint8, shape (frames, H, W, 3)
        Or (frames, H, W, 1).
    settings : str
        "lossless"; or "imagenet-p", which loses a little: 4:4:4 at the quality of the published videos.
    is_noise : bool
        Whether the frames are noise, for which the published videos have other settings.

    Raises
    ------
    MissingPackage
        If PyAV is not installed.
    """
    av = need("av", PURPOSE)
    is_grey, is_lossless = frames.shape[3] == 1, settings == LOSSLESS
    # Colours are stored as they are by the one, and as luma and chroma of full resolution by the other.
    codec, stored = ("libx264rgb", "rgb24") if is_lossless and not is_grey else ("libx264", "yuv444p")
    stored = "gray" if is_grey else stored
    options = {"qp": "0"} if is_lossless else dict(PUBLISHED[is_noise])
    given = frames[..., 0] if is_grey else frames
    written = io.BytesIO()
    with av.open(written, "w", format="mp4", options={"fflags": "+bitexact"}) as file:
        stream = file.add_stream(codec, rate=RATE, options=options)
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], stored
        # What several threads encode depends on their number.
        stream.codec_context.thread_count = 1
        for number, pixels in enumerate(given):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="gray" if is_grey else "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return written.getvalue()


def decode_video(content: bytes) -> NDArray[np.uint8]:
    """Return the frames of a video, (frames, H, W, C).

    Raises
    ------
    Rejected
        If it is damaged.
    MissingPackage
        If PyAV is not installed.
    """
    av = need("av", "a dataset of videos")
    try:
        with av.open(io.BytesIO(content)) as file:
            frames = list(map(_pixels, file.decode(video=0)))
    except (av.FFmpegError, ValueError, IndexError) as error:
        raise Rejected(f"cannot be decoded: {error}") from error
    if not frames:
        raise Rejected("cannot be decoded: it holds no frames")
    return np.stack(frames)


def _pixels(frame: Any) -> NDArray[np.uint8]:
    """Return the colours of a frame, or the first plane of a grey one as it is stored."""
    if frame.format.name not in GREY:
        return np.asarray(frame.to_ndarray(format="rgb24"))
    plane = frame.planes[0]
    lines = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
    return lines[: frame.height, : frame.width, None].copy()
