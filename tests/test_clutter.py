"""Clutter: what desktops leave in folders belongs to no dataset, and stops neither a build nor its publication."""

import pytest

from corruptgen.engine import generation
from corruptgen.store.names import is_clutter
from corruptgen.verification.dataset import open_dataset
from corruptgen.verification.verdict import verify
from tests.photographs import write_photographs, write_recipe

LEFT = (".DS_Store", "items/Thumbs.db", "brightness/1/desktop.ini", "clean/._0", "@eaDir/a/b.png", ".directory")


@pytest.mark.parametrize("layout", ["folder", "npz"])
def test_a_build_is_gone_on_with_verified_published_and_replaced_beside_clutter(tmp_path, layout):
    write_photographs(tmp_path / "photographs", 9)
    recipe = write_recipe(tmp_path, corrupt='rows = ["brightness"]', output=f'format = "{layout}"\nclean = true\n')
    output = tmp_path / "out"
    generation.generate(recipe, output=output, workers=1)
    sizes = open_dataset(output).sizes
    for name in LEFT:
        (output / name).parent.mkdir(parents=True, exist_ok=True)
        (output / name).write_bytes(b"left")
    (output / "manifest.json").unlink()

    outcome = generation.generate(recipe, output=output, workers=1)

    assert not outcome.was_finished
    assert not verify(output, workers=1).problems
    assert open_dataset(output).sizes == sizes
    generation.generate(recipe, output=output, workers=1, overwrite=True)
    assert (output / LEFT[0]).read_bytes() == b"left"
    (output / "mine.txt").write_bytes(b"")
    assert verify(output, workers=1).problems == ("mine.txt is not part of this build",)


def test_images_are_no_clutter():
    assert not any(map(is_clutter, ("a/b.png", "DS_Store", "my.DS_Store.png", "thumbs.db.png", "a/_b.png")))
