"""The document about publishing: its recipe, commands and snippet work as they stand there."""

import re
import shlex

import pytest

from corruptgen.publishing.licenses import known
from corruptgen.recipe.publish_section import KEYS
from corruptgen.recipe.source_section import TERMS
from tests.hub.client import Session
from tests.hub.server import Hub
from tests.photographs import ROOT, write_photographs

pytest.importorskip("huggingface_hub")

TEXT = (ROOT / "docs/publishing.md").read_text("utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def test_recipe_commands_and_snippet_work_in_their_order(tmp_path):
    write_photographs(tmp_path / "photographs", 3, size=(32, 40))
    (tmp_path / "recipe.toml").write_text(blocks("toml")[0], "utf-8")
    commands = [shlex.split(line)[1:] for line in blocks("bash")[0].strip().splitlines()]
    hub = Hub()
    hub.tokens["hf_writerwriterwriterwriter"] = ("someone", True)
    session = Session(hub.url, tmp_path)
    try:
        for command in commands:
            done = session.run(*command)

            assert done.returncode == 0, f"{command}: {done.stderr}"
        session.python(blocks("python")[0])
    finally:
        session.close()
        hub.close()
    assert {command[0] for command in commands} == {"generate", "card", "publish", "verify", "diff"}
    assert done.stdout.endswith("no difference\n")


def test_every_key_is_told():
    for key in (*KEYS, *TERMS):
        assert f"`{key}`" in TEXT


def test_the_licence_in_the_recipe_may_be_passed_on():
    assert known()[re.search('license = "(.*?)"', blocks("toml")[0])[1]].sharing == "yes"
