"""Build the site: the documents, the README in parts, a page for every table, the API, and the galleries.

    python scripts/website.py --output build/site --galleries natural imagenet-c

Nothing is asked of a network, and whatever Sphinx warns about is an error.
"""

import argparse
import importlib
import inspect
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from sphinx.cmd.build import main as sphinx

import table_pages
from corruptgen.gallery import gallery_of_table, write_page
from corruptgen.gallery.photographs import shipped_photograph
from corruptgen.tables import catalog

ROOT = Path(__file__).resolve().parents[1]
# Which sections of the README become pages of their own; all others stay on the first page.
PARTS = {
    "quickstart": (
        "Quickstart",
        ("Install", "One command", "One snippet", "Which table", "Look at corruptions", "Train and evaluate"),
    ),
    "recipes": ("Recipes", ("Recipes",)),
    "adding": ("Add a corruption", ("Add a corruption in ten lines",)),
    "guarantees": ("Guarantees and limits", ("What is promised, and what is not", "Beside its peers")),
}
# The order of the menu; documents that are not named here come after those of the guide.
START = ("quickstart", "recipes", "tables/index", "adding", "guarantees")
GUIDE = (
    "benchmarks",
    "sources",
    "formats",
    "engine",
    "targets",
    "loaders",
    "metrics",
    "publishing",
    "gallery",
    "medical",
)
EVIDENCE = ("parity", "imagecorruptions", "medmnist-c", "natural", "speed", "error_bounds")
REFERENCE = ("api", "api/index", "changes")
# What a reader of the site is led to instead of a folder of the repository.
FOLDERS = {"corruptgen/tables/data": "tables/index.md", "corruptgen/corruptions": "tables/index.md"}
# The front doors, as users import them.
DOORS = ("corruptgen", "corruptgen.transforms", "corruptgen.transforms.hf", "corruptgen.metrics", "corruptgen.gallery",
         "corruptgen.tables.catalog", "corruptgen.declare", "corruptgen.errors")  # fmt: skip
SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
CODE_OR_HEADING = re.compile(r"^```.*?^```$|^(#+) ", re.MULTILINE | re.DOTALL)
# Code comes first, so that what looks like a link in it is passed over.
LINK = re.compile(r"^```.*?^```$|`[^`\n]+`|(!?)\[([^\]]*)\]\(([^)\s]+)\)", re.MULTILINE | re.DOTALL)


def main() -> int:
    """Gather the pages and let Sphinx build them; return its exit code."""
    arguments = _arguments()
    source, extra = arguments.output / "source", arguments.output / "source/extra"
    # Nothing else of what may exist there.
    for folder in (source, arguments.output / "html"):
        shutil.rmtree(folder, ignore_errors=True)
    extra.mkdir(parents=True)
    names = arguments.tables or catalog.preset_names()
    pictures = [name for name in names if not catalog.preset(name).is_sequential]
    drawn = pictures if arguments.galleries is None else arguments.galleries
    for name in drawn:
        _write(extra / f"gallery/{name}.html", _gallery(name))
    for place, text in _pages(names, drawn):
        _write(source / f"{place}.md", text)
    shutil.copytree(ROOT / "docs/images", source / "images", dirs_exist_ok=True)
    shutil.copy(ROOT / "docs/conf.py", source / "conf.py")
    return sphinx(["-W", "--keep-going", "-q", "-b", "html", str(source), str(arguments.output / "html")])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Build the site.")
    parser.add_argument("--output", type=Path, default=Path("build/site"), help="source/ and html/ in it are recreated")
    parser.add_argument("--tables", nargs="+", help="the tables that have a page; default: all")
    parser.add_argument("--galleries", nargs="*", help="the tables whose galleries are drawn; default: all")
    return parser.parse_args()


def _pages(names: Sequence[str], drawn: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Return every page by its place in the site."""
    documents = {path.stem: path for path in sorted((ROOT / "docs").glob("*.md"))}
    rest, parts = _parts((ROOT / "README.md").read_text("utf-8"))
    parts["adding"] += "\n" + _shifted((ROOT / "CONTRIBUTING.md").read_text("utf-8"), 1)
    others = sorted(documents.keys() - {*START, *GUIDE, *EVIDENCE, *REFERENCE})
    there = {*documents, *parts, "tables/index", "api/index", "changes"}
    menu = {"Start": START, "Guide": (*GUIDE, *others), "Evidence": EVIDENCE, "Reference": REFERENCE}
    trees = "\n".join(
        f"```{{toctree}}\n:hidden:\n:caption: {caption}\n\n" + "\n".join(p for p in places if p in there) + "\n```\n"
        for caption, places in menu.items()
    )
    yield "index", _linked(rest, ROOT) + "\n" + trees
    yield "changes", _linked((ROOT / "CHANGELOG.md").read_text("utf-8"), ROOT)
    for name, text in parts.items():
        yield name, _linked(text, ROOT)
    for name, path in documents.items():
        yield name, _linked(path.read_text("utf-8"), path.parent)
    for name in names:
        yield f"tables/{name}", table_pages.table_page(name, has_gallery=name in drawn)
    yield "tables/index", table_pages.index(names, drawn)
    for name in DOORS:
        yield f"api/{name}", _door(name)
    toctree = "\n".join(DOORS)
    yield (
        "api/index",
        f"# API\n\nWhat is meant to be imported; all else may change.\n\n```{{toctree}}\n{toctree}\n```\n",
    )


def _parts(readme: str) -> tuple[str, dict[str, str]]:
    """Take the README apart: what stays on the first page, and the pages that its sections become."""
    # Headings are looked for in a copy of the same length without its code.
    bare = FENCE.sub(lambda found: " " * len(found[0]), readme)
    starts = [*SECTION.finditer(bare)]
    ends = [*(found.start() for found in starts[1:]), len(readme)]
    sections = {found[1]: readme[found.start() : end] for found, end in zip(starts, ends, strict=True)}
    pages = {}
    for place, (title, headings) in PARTS.items():
        if missing := [heading for heading in headings if heading not in sections]:
            sys.exit(
                f"README.md has no section {missing[0]!r} for the page {place!r}; change PARTS in scripts/website.py"
            )
        taken = [sections.pop(heading) for heading in headings]
        # A page of one section is headed by that alone.
        pages[place] = _shifted(taken[0], -1) if len(taken) == 1 else f"# {title}\n\n" + "".join(taken)
    return readme[: starts[0].start()] + "".join(sections.values()), pages


def _shifted(text: str, by: int) -> str:
    """Make headings those of a lower level, or for -1 of a higher one; comments in code begin with a # as well."""
    return CODE_OR_HEADING.sub(lambda found: found[0] if not found[1] else "#" * (len(found[1]) + by) + " ", text)


def _linked(text: str, folder: Path) -> str:
    """Turn links between files of the repository into links between pages."""

    def replaced(found: re.Match[str]) -> str:
        mark, words, target = found.groups()
        if target is None or target.startswith(("http", "#")):
            return found[0]
        file, hash_, anchor = target.partition("#")
        place = os.path.relpath(folder / file, ROOT)
        path = ROOT / place
        if not path.exists():
            sys.exit(f"a link leads to {place}, which does not exist; fix the document")
        if place in FOLDERS:
            return f"[{words}]({FOLDERS[place]})"
        if place.startswith("docs/"):
            return f"{mark}[{words}]({place.removeprefix('docs/')}{hash_}{anchor})"
        # Files of the repository that are no pages have no address here.
        return words

    return LINK.sub(replaced, text)


def _door(name: str) -> str:
    """Write the page of a module: what it offers by name, and the modules among that."""
    module = importlib.import_module(name)
    # What the package offers of one of its parts is described there.
    others = {} if name != DOORS[0] else {_thing(door, thing): door for door in DOORS[1:] for thing in _offered(door)}
    others = {thing: others[_thing(name, thing)] for thing in _offered(name) if _thing(name, thing) in others}
    twice = [thing for thing in _offered(name) if thing in others]
    modules = [thing for thing in _offered(name) if inspect.ismodule(getattr(module, thing))]
    blocks = [
        _automodule(name, twice),
        *(f"`{name}.{thing}` is in [{others[thing]}]({others[thing]}.md)." for thing in twice),
        *(f"## {name}.{inner}\n\n{_automodule(f'{name}.{inner}')}" for inner in modules),
    ]
    return f"# {name}\n\n" + "\n\n".join(blocks) + "\n"


def _thing(door: str, name: str) -> int:
    """Return what tells one thing from another, whatever it is called; two doors may have functions of one name."""
    return id(getattr(importlib.import_module(door), name))


def _offered(name: str) -> Sequence[str]:
    return getattr(importlib.import_module(name), "__all__", ())


def _automodule(name: str, without: Sequence[str] = ()) -> str:
    options = ["members:", *(["imported-members:"] if _offered(name) else [])]
    options += [f"exclude-members: {', '.join(without)}"] if without else []
    lines = "\n".join(f"   :{option}" for option in options)
    return f"```{{eval-rst}}\n.. automodule:: {name}\n{lines}\n```"


def _gallery(name: str) -> str:
    return write_page(gallery_of_table(name, [shipped_photograph(catalog.preset(name))], steps=1))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


if __name__ == "__main__":
    sys.exit(main())
