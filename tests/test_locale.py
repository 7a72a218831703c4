"""Locales: an id is the UTF-8 of the bytes on disk, and pixels are the same wherever the program runs."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from corruptgen.engine import generation
from corruptgen.engine.manifest import MANIFEST
from corruptgen.store.names import from_disk, on_disk, storable
from tests.photographs import ROOT, tree
from tests.pictures import photograph

NAME = "Käfer 甲虫"
# What a build writes in a process whose locale knows neither of these letters.
BUILD = """
import sys, warnings
warnings.filterwarnings("error", category=EncodingWarning, module=r"corruptgen\\.")
from corruptgen.engine.generation import generate
from corruptgen.verification.verdict import verify
for recipe in sys.argv[1:]:
    outcome = generate(recipe, output=recipe.removesuffix(".toml") + "-there", workers=1, check=True)
    verdict = verify(outcome.output, workers=1)
    assert not verdict.problems, ascii(verdict.problems)
print(sys.getfilesystemencoding())
"""
SOURCES = {
    "folder": 'kind = "folder"\npath = "Bilder ä"\nlabels = "Etiketten ö.csv"',
    "coco": f'kind = "coco"\npath = "Bilder ä"\nannotations = "Kästchen.json"\nmasks = "Masken ü/{NAME}"',
    "webdataset": 'kind = "webdataset"\npath = "Scherben ä"',
    "npz": 'kind = "npz"\npath = "Felder ä.npz"',
}
FORMATS = {"folder": "webdataset", "coco": "folder", "webdataset": "folder", "npz": "npz"}


def write_sources(folder):
    """Write the same pictures in several kinds of containers, all with names that are not ASCII."""
    image = Image.fromarray(photograph(24, 32))
    (folder / "Bilder ä" / NAME).mkdir(parents=True)
    image.save(folder / "Bilder ä" / NAME / f"{NAME}.png")
    (folder / "Etiketten ö.csv").write_text(f"file_name,label\n{NAME}/{NAME}.png,Klaße\n", "utf-8")
    mask = folder / f"Masken ü/{NAME}/{NAME}/{NAME}.png"
    mask.parent.mkdir(parents=True)
    image.convert("L").save(mask)
    listed = {
        "images": [{"id": 1, "file_name": f"{NAME}/{NAME}.png", "width": 32, "height": 24}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [2, 3, 9, 9], "area": 81}],
        "categories": [{"id": 1, "name": "ä"}],
    }
    (folder / "Kästchen.json").write_text(json.dumps(listed, ensure_ascii=False), "utf-8")
    (folder / "Scherben ä").mkdir()
    with tarfile.open(folder / "Scherben ä" / "ö.tar", "w", encoding="utf-8") as archive:
        buffer = BytesIO()
        image.save(buffer, "PNG")
        member = tarfile.TarInfo(f"{NAME}.png")
        member.size = len(buffer.getvalue())
        archive.addfile(member, BytesIO(buffer.getvalue()))
    np.savez(folder / "Felder ä.npz", test_images=np.asarray(image)[None], test_labels=np.array([[0]]))
    for kind, source in SOURCES.items():
        (folder / f"{kind}.toml").write_text(
            f'name = "x"\nversion = "1.0.0"\n[source]\n{source}\n[corrupt]\npreset = "natural"\n'
            f'rows = ["brightness"]\nseverities = [2]\n'
            f'[output]\nclean = true\nformat = "{FORMATS[kind]}"\n',
            "utf-8",
        )


def built_under(folder, **environment):
    """Build all sources in a process of another locale, and name the encoding of its file names."""
    clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONUTF8", "PYTHONIOENCODING")}
    done = subprocess.run(
        [sys.executable, "-X", "warn_default_encoding", "-c", BUILD, *(f"{kind}.toml" for kind in SOURCES)],
        cwd=folder,
        env=clean | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        check=False,
    )
    assert not done.returncode, done.stderr.decode("utf-8", "replace")
    return done.stdout.decode().strip()


@pytest.mark.parametrize("locale", ["ascii", pytest.param("iso8859-1", marks=pytest.mark.long)])
def test_ids_and_pixels_do_not_depend_on_the_locale(tmp_path, locale):
    write_sources(tmp_path)
    environment = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    if locale != "ascii":
        if shutil.which("localedef") is None:
            pytest.skip("needs localedef")
        made = ["localedef", "-i", "de_DE", "-f", "ISO-8859-1", str(tmp_path / "de_DE.ISO-8859-1")]
        if subprocess.run(made, capture_output=True, check=False).returncode > 1:
            pytest.skip("needs the sources of locales")
        environment |= {"LC_ALL": "de_DE.ISO-8859-1", "LOCPATH": str(tmp_path)}
    for kind in SOURCES:
        generation.generate(tmp_path / f"{kind}.toml", output=tmp_path / kind, workers=1)

    encoding = built_under(tmp_path, **environment)

    assert encoding == locale
    for kind in SOURCES:
        here, there = tree(tmp_path / kind), tree(tmp_path / f"{kind}-there")
        assert {**there, MANIFEST: ""} == {**here, MANIFEST: ""}, kind
    assert NAME in (tmp_path / "folder-there" / "items" / "00000.jsonl").read_text("utf-8")


def test_a_name_comes_back_from_the_disk_as_it_went_there():
    for name in (NAME, "a", "\udcff", "x\udce4/y"):
        assert from_disk(on_disk(name)) == name
    assert storable("x\udce4") == r"x\xe4"
