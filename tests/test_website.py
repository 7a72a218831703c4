"""The site: it builds without a warning, from nothing but the repository, and leaves no document, table or row out."""

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from filelock import FileLock

import corruptgen
import table_pages
from corruptgen.tables import catalog
from tests.photographs import ROOT

GALLERY = "cifar-c"
# A page of each kind; `make docs` and the long form build those of all tables.
TABLES = ("cifar-c", "natural", "imagenet-p", "medmnist-c/bloodmnist", "geirhos-2018")


def build(folder, *arguments, root=ROOT):
    return subprocess.run(
        [sys.executable, root / "scripts/website.py", "--output", "site", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built site, with one gallery; workers of one run share it."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder = shared / "site"
    with FileLock(f"{folder}.lock"):
        if not (folder / "site/html/index.html").exists():
            folder.mkdir(exist_ok=True)
            done = build(folder, "--galleries", GALLERY, "--tables", *TABLES)
            assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site/html"


class Loads(HTMLParser):
    """What a page loads by itself, and where its links lead."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.links = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.loads += [attributes["src"]] if attributes.get("src") else []
        if attributes.get("href"):
            (self.links if tag == "a" else self.loads).append(attributes["href"])


def test_every_document_is_in_the_menu(site):
    links = {link.partition("#")[0] for link in Loads((site / "index.html").read_text("utf-8")).links}

    documents = {f"{path.stem}.html" for path in (ROOT / "docs").glob("*.md")}
    assert documents | {"quickstart.html", "recipes.html", "adding.html", "guarantees.html"} <= links
    assert {"tables/index.html", "api/index.html", "changes.html"} <= links


def test_every_row_of_every_table_has_its_parameters_on_its_page():
    for name in catalog.preset_names():
        page = table_pages.table_page(name, has_gallery=False)
        for row in catalog.preset(name).rows:
            part = page.partition(f"\n## {row}\n")[2].partition("\n## ")[0]
            assert part, f"{name} {row}"
            for parameter in catalog.preset(name).cell(row, 1).parameters:
                assert f"`{parameter}`" in part, f"{name} {row} {parameter}"


@pytest.mark.long
def test_the_site_of_all_tables_builds_without_a_warning(tmp_path):
    done = build(tmp_path, "--galleries")

    assert done.returncode == 0, done.stdout + done.stderr
    assert {f"{name}.html" for name in catalog.preset_names()} <= {
        str(path.relative_to(tmp_path / "site/html/tables")) for path in (tmp_path / "site/html/tables").rglob("*.html")
    }


def test_rows_have_their_parameters_on_the_site(site):
    for name in TABLES:
        text = (site / f"tables/{name}.html").read_text("utf-8")
        for row in catalog.preset(name).rows:
            part = text.partition(f'<h2>{row}<a class="headerlink"')[2].partition("</section>")[0]
            assert part, f"{name} {row}"
            for parameter in catalog.preset(name).cell(row, 1).parameters:
                assert f'<span class="pre">{parameter}</span>' in part, f"{name} {row} {parameter}"


def test_nothing_is_loaded_from_outside_and_no_link_within_is_broken(site):
    for path in sorted(site.rglob("*.html")):
        found = Loads(path.read_text("utf-8"))
        for place in found.loads:
            assert not re.match(r"(https?:)?//", place), f"{path.name} loads {place}"
        for place in found.loads + found.links:
            file = place.partition("#")[0].partition("?")[0]
            if file and not re.match(r"[a-z]+:", file):
                assert (path.parent / file).exists(), f"{path.name} leads to {place}"


def test_the_front_door_and_its_words_are_in_the_reference(site):
    text = (site / "api/corruptgen.html").read_text("utf-8")

    for name in set(corruptgen.__all__) - {"__version__", "Corrupt", "Corrupted"}:
        assert f'id="corruptgen.{name}"' in text
    assert "another seed produces other draws" in text
    assert 'id="corruptgen.transforms.Corrupt"' in (site / "api/corruptgen.transforms.html").read_text("utf-8")


def test_the_gallery_that_was_asked_for_is_there_and_linked(site):
    assert (site / f"gallery/{GALLERY}.html").stat().st_size > 10**5
    assert f"../gallery/{GALLERY}.html" in (site / f"tables/{GALLERY}.html").read_text("utf-8")
    assert "gallery/natural.html" not in (site / "tables/natural.html").read_text("utf-8")


def test_no_place_of_this_machine_is_on_the_site(site):
    for path in sorted(site.rglob("*.html")):
        text = path.read_text("utf-8")
        assert str(ROOT) not in text
        assert str(site.parent) not in text


def test_a_comment_of_a_table_is_told_with_the_parameter_below_it():
    comments = table_pages.comments_of(
        '# A file.\n\n[preset]\ntitle = "a # b"\n# One\n# sentence.\n[fog]\n# Another.\nweight = [1]\nother = [2]\n'
    )

    assert comments == {("fog", ""): "One sentence.", ("fog", "weight"): "Another."}
    page = table_pages.table_page("imagenet-c", has_gallery=False)
    assert "one pixel is copied over the other" in page.partition("## glass_blur")[2].partition("\n## ")[0]


@pytest.mark.long
def test_a_broken_link_and_a_lost_section_stop_the_build(tmp_path):
    copy = tmp_path / "copy"
    ignored = shutil.ignore_patterns(".git", ".venv", "golden", "__pycache__", "build")
    shutil.copytree(ROOT, copy, ignore=ignored)

    (copy / "docs/added.md").write_text("# Added\n\n[engine](engine.md#no-such-heading)\n", "utf-8")
    anchor = build(tmp_path, "--galleries", root=copy)
    (copy / "docs/added.md").write_text("# Added\n\n[nowhere](nowhere.md)\n", "utf-8")
    file = build(tmp_path, "--galleries", root=copy)
    (copy / "docs/added.md").unlink()
    (copy / "README.md").write_text("# corruptgen\n\n## Recipes\n\nNothing else.\n", "utf-8")
    section = build(tmp_path, "--galleries", root=copy)

    assert anchor.returncode != 0
    assert "no-such-heading" in anchor.stderr
    assert file.returncode != 0
    assert "docs/nowhere.md, which does not exist" in file.stderr
    assert section.returncode != 0
    assert "no section 'Install'" in section.stderr
