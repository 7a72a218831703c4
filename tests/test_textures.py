"""Pictures that are not shipped are found by their hash, wherever they are, or the error says what to do."""

import hashlib
import sys
from pathlib import Path

import pytest

from corruptgen.errors import AssetError
from corruptgen.imaging.textures import Texture, texture_bytes, textures

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


def test_the_registry_has_the_six_pictures_of_frost_in_the_order_of_the_draws():
    registered = textures("frost")

    assert [texture.name for texture in registered] == [
        "frost1.png", "frost2.png", "frost3.png", "frost4.jpg", "frost5.jpg", "frost6.jpg",
    ]  # fmt: skip
    assert all(len(texture.sha256) == 64 and texture.url.endswith(texture.name) for texture in registered)
