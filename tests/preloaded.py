"""What commands and snippets load when they run, loaded before the processes of tests are forked."""

import importlib
from contextlib import suppress

import numpy as np
from PIL import Image
from typer.testing import CliRunner

import corruptgen
from corruptgen.cli import app, finished, galleries, listing, looking, making  # noqa: F401

# An extra that is not installed is missed by what needs it.
for extra in ("corruptgen.transforms", "datasets", "scipy.ndimage", "torch.utils.data"):
    with suppress(ImportError):
        importlib.import_module(extra)

# Much is loaded by the first picture, command and kernel only.
Image.preinit()
CliRunner().invoke(app, ["list"])
corruptgen.corrupt(np.zeros((32, 32, 3), np.uint8), "gaussian_noise", 1, preset="natural", key="")
