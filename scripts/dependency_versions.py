"""Install the lowest and the newest versions of every dependency that pyproject.toml allows, and compare their pixels.

python scripts/dependency_versions.py                                  # lowest and newest, beside constraints.txt
python scripts/dependency_versions.py --sets lowest --python 3.11      # one of them, on another Python

Each set of versions gets an environment of its own, where every module is imported, a small dataset is generated and
verified in every format, and every row of every table is made at every level. What a set cannot do is printed, and so
is each row whose pixels differ from those of the pinned versions. The exit code is 1 if a set does not work.
"""

import argparse
import importlib
import os
import pkgutil
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
PINNED = "pinned"
RESOLUTIONS: Mapping[str, list[str]] = {
    PINNED: ["--constraint", str(ROOT / "constraints.txt")],
    "lowest": ["--resolution", "lowest-direct"],
    "newest": ["--resolution", "highest"],
}
# torch and Ray are left out: their lowest versions take gigabytes and compute no pixel.
EXTRAS = ("albumentations", "dask", "demo", "formats", "hub", "medical", "plot", "remote")
# Installed without their own dependencies: only their pictures of frost and ink are used.
PICTURES = ("imagecorruptions==1.1.2", "medmnistc==0.1.0")
FORMATS = ("folder", "parquet", "npy", "npz", "webdataset")
# A module that is an adapter of a framework which is not installed here.
FRAMEWORKS = ("torch", "maite", "ray", "wand")
SIDE = 96  # pixels, of tables that hold for any size
RECIPE = """
name = "versions"
version = "1.0.0"
[source]
kind = "folder"
path = "photographs"
[corrupt]
preset = "natural"
rows = ["gaussian_noise", "fog", "jpeg_compression"]
severities = [1, 5]
[output]
format = "{form}"
"""

Pixels = Mapping[str, NDArray[np.generic]]
"""By table, row and severity."""


def main() -> int:
    """Print what each set of versions can do, and whose pixels differ; 1 if one of them does not work."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=RESOLUTIONS, default=["lowest", "newest"])
    parser.add_argument("--python", default=f"{sys.version_info.major}.{sys.version_info.minor}", help="its version")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        inspect_environment(options.inside)
        return 0

    failed = False
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        expected = pixels_of(PINNED, options.python, place)
        if expected is None:
            return 1
        for name in options.sets:
            found = pixels_of(name, options.python, place)
            failed |= found is None
            if found is not None:
                print_differences(name, expected, found)
    return int(failed)


def pixels_of(name: str, python: str, folder: Path) -> Pixels | None:
    """Install a set of versions and return the pixels that it makes, or None if it does not work."""
    environment = folder / name
    interpreter = environment / "bin" / "python"
    saved = folder / f"{name}.npz"
    package = f"{ROOT}[{','.join(EXTRAS)}]"
    install = ["uv", "pip", "install", "--quiet", "--python", str(interpreter)]
    # Kernels that another set compiled are of other versions of numba.
    own_cache = os.environ | {"NUMBA_CACHE_DIR": str(folder / f"{name}-kernels")}
    try:
        run(["uv", "venv", "--quiet", "--python", python, str(environment)])
        run([*install, *RESOLUTIONS[name], package])
        run([*install, "--no-deps", *PICTURES])
        versions = run(["uv", "pip", "freeze", "--python", str(interpreter)])
        print(f"## {name}, Python {python}\n\n{' '.join(sorted(versions.split()))}\n", flush=True)
        print(run([str(interpreter), __file__, "--inside", str(saved)], environment=own_cache), flush=True)
    except subprocess.CalledProcessError as error:
        print(f"{name} does not work: {' '.join(error.cmd[:4])} ...\n{error.stdout}{error.stderr}", flush=True)
        return None
    finally:
        shutil.rmtree(environment, ignore_errors=True)
    with np.load(saved) as arrays:
        return dict(arrays)


def run(command: list[str], *, environment: Mapping[str, str] | None = None) -> str:
    """Run a command away from the repository, so that the installed package is the one that is imported."""
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=tempfile.gettempdir(), env=environment
    )
    return done.stdout


def inspect_environment(saved: Path) -> None:
    """In the environment: import every module, generate and verify in every format, make and save all pixels."""
    modules = import_every_module()
    generate_in_every_format()
    pixels = make_every_row()
    np.savez(saved, **pixels)
    print(f"{modules} modules imported, {len(FORMATS)} formats generated and verified, {len(pixels)} cells made")


def import_every_module() -> int:
    """Import all of the package but the adapters of frameworks that are not installed."""
    import corruptgen  # noqa: PLC0415 - only there is the package installed

    count = 0
    for module in pkgutil.walk_packages(corruptgen.__path__, "corruptgen."):
        if module.name.endswith("__main__"):
            continue  # to import it is to run it
        try:
            importlib.import_module(module.name)
        except ImportError as error:
            if error.name not in FRAMEWORKS:
                raise
        count += 1
    return count


def generate_in_every_format() -> None:
    """Generate a small dataset in each format with the command line, and verify it."""
    from skimage import data, io  # noqa: PLC0415 - only there are these installed

    command = [str(Path(sys.executable).with_name("corruptgen"))]
    with tempfile.TemporaryDirectory() as folder:
        for name in ("astronaut", "chelsea", "rocket"):
            place = Path(folder, "photographs", name)
            place.mkdir(parents=True)
            io.imsave(place / "1.png", getattr(data, name)()[:SIDE, :SIDE, :3], check_contrast=False)
        for form in FORMATS:
            recipe, output = Path(folder, f"{form}.toml"), Path(folder, form)
            recipe.write_text(RECIPE.format(form=form), "utf-8")
            for arguments in (
                ["generate", str(recipe), "--output", str(output), "--workers", "2"],
                ["verify", str(output), "--source", str(Path(folder, "photographs")), "--depth", "full"],
            ):
                subprocess.run([*command, *arguments], check=True, stdout=subprocess.DEVNULL)


def make_every_row() -> Pixels:
    """Make every row of every table at every level, of one photograph."""
    import cv2  # noqa: PLC0415 - only there are these installed
    from skimage import data  # noqa: PLC0415

    import corruptgen  # noqa: PLC0415
    from corruptgen.tables import catalog  # noqa: PLC0415

    pixels = {}
    for table in corruptgen.presets():
        preset = catalog.preset(table)
        height, width = preset.sizes.allowed[0] if preset.sizes.allowed else (SIDE, SIDE)
        image = cv2.resize(data.astronaut(), (width, height), interpolation=cv2.INTER_AREA)
        if preset.is_sequential:
            picture = data.astronaut()[::2, ::2] if preset.staging.changes else image
            for row in preset.rows:
                made = corruptgen.frames(picture, row, preset=table, key="a")
                pixels[f"{table} {row} frames"] = np.stack(list(made)[::10])
            continue
        for row in corruptgen.rows(table):
            # Any map is as good as another one.
            inputs = dict.fromkeys(preset.rows[row].inputs, image[..., 1] / 255)
            for severity in range(1, preset.rows[row].level_count + 1):
                made = corruptgen.corrupt(image, row, severity, preset=table, key="a", inputs=inputs)
                pixels[f"{table} {row} {severity}"] = made
    return pixels


def print_differences(name: str, expected: Pixels, found: Pixels) -> None:
    """Print each row whose pixels differ: the share of samples, and by how many levels at most."""
    apart = {
        key: np.abs(pixels.astype(np.int64) - found[key].astype(np.int64))
        for key, pixels in expected.items()
        if not np.array_equal(pixels, found[key])
    }
    print(f"{len(expected) - len(apart)} of {len(expected)} cells of {name} equal those of the pinned versions")
    rows: dict[str, list[NDArray[np.int64]]] = {}
    for key, difference in apart.items():
        rows.setdefault(key.rpartition(" ")[0], []).append(difference)
    for row, differences in rows.items():
        share = np.mean([np.mean(difference > 0) for difference in differences])
        print(f"- {row}: {100 * share:.4f} % of samples, at most {max(map(np.max, differences))} levels")
    print(flush=True)


if __name__ == "__main__":
    sys.exit(main())
