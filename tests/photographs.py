"""Folders of real photographs, small tables and recipes for the tests of generation."""

import hashlib
import os
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images

from tests.forks import command_line, completed, script
from tests.pictures import photograph

ROOT = Path(__file__).parents[1]

# Rows that draw, that do not, and that go through a codec; two levels are enough to tell them apart.
TABLE = """
[preset]
title = "Three rows"
levels = 2
smallest = [8, 8]
[preset.groups]
common = ["gaussian_noise", "brightness"]
[gaussian_noise]
sigma = [0.1, 0.3]
at_zero = { sigma = 0.0 }
[brightness]
offset = [0.1, 0.2]
at_zero = { offset = 0.0 }
[jpeg_compression]
quality = [40, 10]
"""

NAMES = ("astronaut", "chelsea", "coffee", "rocket")


def write_photographs(folder, count=12, size=(40, 48)):
    """Write `count` photographs into class folders, and return their ids and pixels."""
    pixels = {}
    for number in range(count):
        name = NAMES[number % len(NAMES)]
        place = f"{name}/{number:02d}.png"
        (folder / name).mkdir(parents=True, exist_ok=True)
        pixels[place] = np.roll(photograph(*size, name=name), number, axis=1)
        Image.fromarray(pixels[place]).save(folder / place)
    return pixels


def real_pixels(count, side=32):
    """Return real photographs as an array."""
    whole = [photograph(side, side, name=name) for name in NAMES] + [
        np.asarray(Image.fromarray(image).resize((side, side))) for image in load_sample_images().images
    ]
    return np.stack([np.roll(whole[number % len(whole)], number, axis=1) for number in range(count)])


def write_cifar(folder, *, hundred=False):
    """Write CIFAR's own binary files, with photographs in them, and return their pixels."""
    pixels = real_pixels(12)
    planes = pixels.transpose(0, 3, 1, 2).reshape(12, -1)
    folder.mkdir(parents=True)
    files = ("train.bin", "test.bin") if hundred else ("data_batch_1.bin", "data_batch_2.bin", "test_batch.bin")
    for number, name in enumerate(files):
        rows = planes[4 * number : 4 * number + 4]
        heads = [bytes([k % 2, k]) if hundred else bytes([k]) for k in range(len(rows))]
        (folder / name).write_bytes(b"".join(head + row.tobytes() for head, row in zip(heads, rows, strict=True)))
    names = {"fine_label_names.txt": "a\nb\nc\nd\n", "coarse_label_names.txt": "even\nodd\n"}
    names = names if hundred else {"batches.meta.txt": "airplane\nautomobile\nbird\ncat\n\n"}
    for name, text in names.items():
        (folder / name).write_text(text)
    return pixels


def write_recipe(folder, *, top="", decode="", corrupt="", output="", preset="three.toml"):
    """Write a recipe over the small table beside it."""
    (folder / "three.toml").write_text(TABLE, "utf-8")
    recipe = folder / "recipe.toml"
    recipe.write_text(
        f'name = "small-c"\nversion = "1.0.0"\n{top}\n[source]\nkind = "folder"\npath = "photographs"\n'
        f'[decode]\n{decode}\n[corrupt]\npreset = "{preset}"\n{corrupt}\n[output]\n{output}\n',
        "utf-8",
    )
    return recipe


def tree(folder):
    """Return the digest of every file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if not path.is_dir()
    }


def pixels_of(path):
    """Return the pixels of an image file."""
    with Image.open(path) as image:
        return np.asarray(image)


def command(*arguments, cwd, **environment):
    """Run the command line in a process of its own."""
    given = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    return completed(command_line, *map(str, arguments), cwd=cwd, environment=given)


def executed(path, *arguments, cwd, **environment):
    """Run a Python file in a process of its own."""
    given = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    return completed(script, str(path), *map(str, arguments), cwd=cwd, environment=given)
