"""How bright the levels of a monitor are."""

import tomllib
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from corruptgen.runtime.caching import keep_arrays


@keep_arrays
def monitor_light() -> NDArray[np.float64]:
    """Return the light of each of 256 levels, rising from 0 to 1."""
    text = (resources.files("corruptgen") / "assets" / "monitor.toml").read_text(encoding="utf-8")
    light = np.array(tomllib.loads(text)["light"])
    light.flags.writeable = False
    return light
