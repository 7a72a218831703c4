"""Write the severity table of CCC, whose levels are quarter steps between those of ImageNet-C.

python scripts/ccc_table.py            # corruptgen/tables/data/ccc.toml
python scripts/ccc_table.py --check    # exit code 1 if the file is another one
"""

import argparse
import math
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

PATH = Path(__file__).parent.parent / "corruptgen" / "tables" / "data" / "ccc.toml"
STEPS = 4
LEVELS = 5 * STEPS
WIDTH = 120

# Parameters of severities 0 to 5, in columns. Those of severity 0 are only ever interpolated from.
SHOT_NOISE = (0.0, 1 / 60, 1 / 25, 1 / 12, 1 / 5, 1 / 3)
ELASTIC = 244  # (sic)
ANCHORS: Mapping[str, Mapping[str, Sequence[float]]] = {
    "gaussian_noise": {"sigma": (0, 0.08, 0.12, 0.18, 0.26, 0.38)},
    "shot_noise": {"photons": SHOT_NOISE},
    "impulse_noise": {"amount": (0, 0.03, 0.06, 0.09, 0.17, 0.27)},
    "defocus_blur": {"radius": (0, 3, 4, 6, 8, 10), "alias_blur": (0, 0.1, 0.5, 0.5, 0.5, 0.5)},
    "glass_blur": {
        "sigma": (0, 0.7, 0.9, 1, 1.1, 1.5),
        "reach": (0, 1, 2, 2, 3, 4),
        "iterations": (0, 2, 1, 3, 2, 2),
    },
    "motion_blur": {"radius": (0, 10, 15, 15, 15, 20), "sigma": (0, 3, 5, 8, 12, 15)},
    "zoom_blur": {"end": (1, 1.11, 1.16, 1.21, 1.26, 1.31), "step": (0.01, 0.01, 0.01, 0.02, 0.02, 0.03)},
    "snow": {
        "loc": (0.1, 0.1, 0.2, 0.55, 0.55, 0.55),
        "scale": (0.3, 0.3, 0.3, 0.3, 0.3, 0.3),
        "zoom": (3, 3, 2, 4, 4.5, 2.5),
        "threshold": (1, 0.5, 0.5, 0.9, 0.85, 0.85),
        "radius": (10, 10, 12, 12, 12, 12),
        "sigma": (4, 4, 4, 8, 8, 12),
        "mix": (1, 0.8, 0.7, 0.7, 0.65, 0.55),
    },
    "frost": {"image_weight": (1, 1, 0.8, 0.7, 0.65, 0.6), "frost_weight": (0, 0.4, 0.6, 0.7, 0.7, 0.75)},
    "fog": {"thickness": (0, 1.5, 2, 2.5, 2.5, 3), "roughness": (2, 2, 2, 1.7, 1.5, 1.4)},
    "brightness": {"offset": (0, 0.1, 0.2, 0.3, 0.4, 0.5)},
    "contrast": {"factor": (1, 0.4, 0.3, 0.2, 0.1, 0.05)},
    "elastic": {
        "displacement": (0, ELASTIC * 2, ELASTIC * 2, ELASTIC * 0.05, ELASTIC * 0.07, ELASTIC * 0.12),
        "sigma": (999, ELASTIC * 0.7, ELASTIC * 0.08, ELASTIC * 0.01, ELASTIC * 0.01, ELASTIC * 0.01),
        "affine": (0, ELASTIC * 0.1, ELASTIC * 0.2, ELASTIC * 0.02, ELASTIC * 0.02, ELASTIC * 0.02),
    },
    "pixelate": {"scale": (1, 0.6, 0.5, 0.4, 0.3, 0.25)},
    "jpeg": {"quality": (85, 25, 18, 15, 10, 7)},
}
# What is said of a row and its other parameters.
ABOUT: Mapping[str, Sequence[str]] = {
    "shot_noise": ["# The original interpolates 1 / photons."],
    "defocus_blur": [
        "# Above a radius of 8 the kernel has 2 * radius + 1 samples: an even number of them shifts the image.",
        'use = "defocus_blur_from_edge"',
    ],
    "glass_blur": [
        "# The original swaps views of one array: one pixel is copied over the other, which is lost.",
        "exchange = false",
        "# Reach and iterations are rounded half to even, so that severity 1 (0.25) moves nothing.",
    ],
    "motion_blur": [
        "# ImageMagick truncates its 16 bits to 8 since 6.9.10-69, four years before CCC.",
        'quantum = "truncated"',
    ],
    "zoom_blur": ['precision = "float32"'],
    "snow": ['precision = "float32"', "# As for motion_blur.", 'quantum = "truncated"'],
    "frost": [
        "# The original draws from the first five of its six pictures.",
        "pictures = 5",
        "texture_scale = 1.0",
    ],
    "elastic": [
        "# Severity 0 of the original has a smoothing of 999 pixels, towards which severities 1 to 3 are interpolated.",
        'use = "elastic_transform"',
        'precision = "float32"',
        'border = "reflect"',
    ],
    "jpeg": ['use = "jpeg_compression"'],
}
NON_MONOTONE: Mapping[str, tuple[str, Sequence[int]]] = {
    "glass_blur": ("# They move the pixels less often than the levels before them.", (7, 14)),
    "elastic": ("# From severity 8 to 12 the whole image is stretched less and less.", (9, 10, 11, 12)),
    "pixelate": ("# The 128 large pixels of severity 5 fit worse than the 123 of severity 6.", (6,)),
}
HEADER = '''\
# The rows of CCC at quarter steps: severity 7 is 1.75 of the original. Written by scripts/ccc_table.py.
# Frozen: another value is another file.

[preset]
title = "CCC, continuously changing corruptions"
family = "continual"
frozen = true
levels = 20
sizes = [[224, 224]]
precision = "float64"
# Also between two rows: after each of them fractions are cut off.
rounding = "truncate"
references = [
    "Press et al. 2023, https://arxiv.org/abs/2306.05401",
    "https://github.com/oripress/CCC",
]
notes = """
Severities are quarter steps: 4 is severity 1 of ImageNet-C, 20 is severity 5. Images of CCC have two rows, one after
the other: `corruptgen.streams` has their order."""

[preset.groups]
# What is changed between, by the accuracy that is aimed at.
easy = [
    "gaussian_noise", "shot_noise", "impulse_noise", "defocus_blur", "glass_blur", "motion_blur", "zoom_blur",
    "snow", "frost", "fog", "contrast", "elastic", "pixelate", "jpeg",
]
medium = [
    "gaussian_noise", "shot_noise", "impulse_noise", "defocus_blur", "glass_blur", "motion_blur", "zoom_blur",
    "snow", "frost", "fog", "contrast", "elastic", "pixelate",
]
hard = ["gaussian_noise", "shot_noise", "impulse_noise", "contrast"]
'''


def main() -> int:
    """Write the table, or compare it; 1 if it is another one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only compare")
    if not parser.parse_args().check:
        PATH.write_text(table(), "utf-8")
    return int(PATH.read_text("utf-8") != table())


def table() -> str:
    """Return the text of the table."""
    return "\n".join([HEADER, *("\n".join([*_row(row), ""]) for row in ANCHORS)])


def value(row: str, parameter: str, level: int) -> float | int:
    """Return a parameter at a level, a quarter of the severity of the original."""
    column, severity = ANCHORS[row][parameter], level / STEPS
    # As scipy's interp1d has it: a whole severity belongs to the interval below it.
    low = math.ceil(severity) - 1
    number = (column[low + 1] - column[low]) * (severity - low) + column[low]
    match parameter:
        case "photons":
            return 1 / number
        case "reach":
            return round(max(number, 1))
        case "iterations" | "quality":
            return round(number)
        case _:
            return float(number)


def _row(row: str) -> list[str]:
    lines = [f"[{row}]", *ABOUT.get(row, ())]
    for parameter in ANCHORS[row]:
        values = [value(row, parameter, level) for level in range(1, LEVELS + 1)]
        lines += _column(parameter, values)
    if row in NON_MONOTONE:
        why, levels = NON_MONOTONE[row]
        lines += [why, *_column("non_monotone_levels", levels)]
    return lines


def _column(name: str, values: Sequence[float | int]) -> list[str]:
    line = f"{name} = [{', '.join(map(repr, values))}]"
    if len(line) <= WIDTH:
        return [line]
    wrapped = textwrap.wrap(", ".join(map(repr, values)) + ",", WIDTH - 4)
    return [f"{name} = [", *(f"    {part}" for part in wrapped), "]"]


if __name__ == "__main__":
    sys.exit(main())
