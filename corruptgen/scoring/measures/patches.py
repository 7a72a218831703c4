"""Measures of corruptions within a part of the image."""

from corruptgen.scoring.measure import FRAMES, LOWER, Measure

MEASURES = (
    Measure(
        "fooling_rate",
        "share of images, right when clean, that are wrong when corrupted",
        LOWER,
        lambda e: e.fooling.mean,
        presets=("imagenet-c-patch*",),
        by_severity=lambda e: e.fooling.by_severity,
        by_row=lambda e: e.fooling.by_row,
        of=FRAMES,
        place=45,
    ),
)
