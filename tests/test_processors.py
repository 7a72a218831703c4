"""Processors: what our kernels compute does not depend on the instructions that they are compiled to."""

import subprocess
import sys

import pytest

from tests.photographs import ROOT


def compared(*arguments):
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/processors.py", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.long
def test_kernels_for_the_simplest_processor_give_the_pixels_of_this_one():
    # Draws, sums in an order that counts, and the mean of an image; all others are in the long form.
    rows = ["shot_noise", "defocus_blur", "contrast"]
    table = compared("--settings", "kernels x86-64", "--tables", "imagecorruptions", "--rows", *rows,
                     "--severities", "3", "--sides", "40", "48")  # fmt: skip

    assert table.count("equal") == len(rows)


@pytest.mark.long
def test_kernels_of_every_row_give_the_same_pixels_for_the_simplest_processor():
    table = compared("--settings", "kernels x86-64", "--tables", "imagecorruptions", "--severities", "3",
                     "--sides", "40", "48")  # fmt: skip

    assert table.count("equal") >= 18


@pytest.mark.long
@pytest.mark.parametrize("sides", [("224", "224"), ("97", "131")])
def test_kernels_give_the_same_pixels_for_every_instruction_set(sides):
    table = compared("--settings", "kernels x86-64", "kernels AVX2", "kernels AVX-512", "--sides", *sides)

    assert table.count("equal") >= 18
