"""Pictures that are not shipped are found by their hash, wherever they are, or the error says what to do."""

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

import corruptgen
from corruptgen.assets.textures import Texture, frost_picture, read_registry, texture_bytes
from corruptgen.errors import AssetError
from tests.photographs import write_photographs, write_recipe

PICTURE = b"as good as a picture"


@pytest.fixture
def texture(tmp_path, monkeypatch) -> Texture:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CORRUPTGEN_TEXTURES", raising=False)
    # Nothing listens on the port of "discard": a download fails at once, and without a network.
    return Texture(
        name="rime.png",
        sha256=hashlib.sha256(PICTURE).hexdigest(),
        url=f"http://127.0.0.1:9/{tmp_path.name}/rime.png",
        distributions=("rime-pictures",),
    )


@pytest.fixture
def directory(tmp_path, monkeypatch) -> Path:
    chosen = tmp_path / "chosen"
    chosen.mkdir()
    monkeypatch.setenv("CORRUPTGEN_TEXTURES", str(chosen))
    return chosen


@pytest.fixture
def distribution(tmp_path, monkeypatch) -> Path:
    site = tmp_path / "site"
    (site / "rime_pictures").mkdir(parents=True)
    (site / "rime_pictures" / "__init__.py").write_text("raise RuntimeError('it must not be imported')")
    (site / "rime_pictures" / "rime.png").write_bytes(PICTURE)
    about = site / "rime_pictures-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: rime-pictures\nVersion: 1.0\n")
    (about / "RECORD").write_text("rime_pictures/__init__.py,,\nrime_pictures/rime.png,,\n")
    monkeypatch.setattr(sys, "path", [str(site), *sys.path])
    return site


def test_a_picture_is_found_in_the_user_s_directory(texture, directory):
    (directory / "rime.png").write_bytes(PICTURE)

    assert texture_bytes(texture) == PICTURE


@pytest.mark.usefixtures("distribution")
def test_a_picture_is_found_in_an_installed_distribution_that_is_not_imported(texture):
    assert texture_bytes(texture) == PICTURE
    assert "rime_pictures" not in sys.modules


@pytest.mark.usefixtures("distribution")
def test_another_picture_of_the_same_name_is_passed_over(texture, directory):
    (directory / "rime.png").write_bytes(b"another picture")

    assert texture_bytes(texture) == PICTURE


def test_the_error_names_what_was_found_and_says_what_to_do(texture, directory):
    (directory / "rime.png").write_bytes(b"another picture")

    with pytest.raises(AssetError) as caught:
        texture_bytes(texture)

    message = str(caught.value)
    assert "the one in the directory CORRUPTGEN_TEXTURES is another picture" in message
    assert str(directory) not in message
    assert "pip install --no-deps rime-pictures" in message
    assert "set CORRUPTGEN_TEXTURES" in message
    assert texture.url in message


@pytest.fixture
def frost(tmp_path, directory, monkeypatch) -> Iterator[list[Texture]]:
    """Six registered pictures, of which the first two are there."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    registered = []
    for number in range(1, 7):
        Image.new("RGB", (90, 80), (number, 200, 255)).save(tmp_path / "picture.png")
        content = (tmp_path / "picture.png").read_bytes()
        if number < 3:
            (directory / f"frost{number}.png").write_bytes(content)
        url = f"http://127.0.0.1:9/{tmp_path.name}/frost{number}.png"
        registered.append(Texture(f"frost{number}.png", hashlib.sha256(content).hexdigest(), url, ("rime-pictures",)))
    monkeypatch.setattr("corruptgen.assets.textures.read_registry", lambda collection: tuple(registered))
    frost_picture.cache_clear()
    yield registered
    frost_picture.cache_clear()


@pytest.mark.usefixtures("frost")
def test_all_missing_pictures_of_frost_are_named_at_once_with_the_command_that_installs_them(tmp_path):
    write_photographs(tmp_path / "photographs", 1, size=(64, 64))
    recipe = write_recipe(tmp_path, preset="imagenet-c-64", corrupt='rows = ["frost", "brightness"]')

    with pytest.raises(AssetError) as caught:
        corruptgen.generate(recipe, output=tmp_path / "out", workers=1)

    # The table draws from the first five of six, as the original does.
    assert "3 of 5 pictures were not found (frost3.png, frost4.png, frost5.png)" in str(caught.value)
    assert str(caught.value).count("pip install --no-deps rime-pictures") == 1
    assert not (tmp_path / "out").exists()


def test_a_picture_that_is_drawn_and_missing_names_the_others_that_are(frost):
    with pytest.raises(AssetError, match=r"4 of 6 pictures .*frost3.png, frost4.png, frost5.png, frost6.png"):
        frost_picture(3, 1.0)
    assert frost_picture(1, 1.0).shape == (80, 90, 3)


def test_the_registry_has_the_six_pictures_of_frost_in_the_order_of_the_draws():
    registered = read_registry("frost")

    assert [texture.name for texture in registered] == [
        "frost1.png", "frost2.png", "frost3.png", "frost4.jpg", "frost5.jpg", "frost6.jpg",
    ]  # fmt: skip
    assert all(len(texture.sha256) == 64 and texture.url.endswith(texture.name) for texture in registered)
