"""Terminals: names and messages of others cannot steer them."""

import io

import pytest
from PIL import Image

from corruptgen.cli.terminal import Printed, eprint, print_columns
from corruptgen.store.names import printable
from tests.photographs import command, write_recipe

CLEARING, TITLE, BIDI, BELL = "\x1b[2J\x1b[31mred", "\x1b]0;title\x07", "\u202egnp.exe\u202c", "a\rb\bc\x9b2J"


@pytest.mark.parametrize("text", [CLEARING, TITLE, BIDI, BELL, "\u2066x", "\x00", "\u200b"])
def test_what_steers_a_terminal_is_escaped_and_words_are_not(text, capsys):
    stream = io.StringIO()

    print(f"é 甲\t{text}\nnext", file=Printed(stream))
    eprint(f"é {text}\nb")

    assert stream.getvalue() == f"é 甲\t{printable(text)}\nnext\n"
    assert capsys.readouterr().err == f"corruptgen: é {printable(text)}\\nb\n"
    assert all(character.isprintable() for character in printable(text))


def test_columns_are_aligned(capsys):
    print_columns([("a", "b"), ("long", "c")])

    assert capsys.readouterr().out == "a     b\nlong  c\n"


def test_names_of_files_and_recipes_do_not_steer_the_terminal(tmp_path):
    (tmp_path / "photographs").mkdir()
    for number, name in enumerate((CLEARING, TITLE, BIDI)):
        Image.new("RGB", (16, 16 + number)).save(tmp_path / "photographs" / f"{name}.png")
    (tmp_path / "photographs" / "broken\x1b[2J.png").write_bytes(b"")
    write_recipe(tmp_path, corrupt='rows = ["brightness"]')

    outputs = [
        command("generate", "recipe.toml", "--output", "out\x1b[2J", "--workers", 1, cwd=tmp_path),
        command("plan", "recipe.toml", cwd=tmp_path),
        command("verify", "out\x1b[2J", cwd=tmp_path),
        command("plan", "no\x1b[2J.toml", cwd=tmp_path),
    ]

    assert [done.returncode for done in outputs] == [3, 3, 0, 2]
    for done in outputs:
        assert all(character.isprintable() or character == "\n" for character in done.stdout + done.stderr)
        assert "\\x1b[2J" in done.stdout + done.stderr
