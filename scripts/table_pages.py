"""Pages about severity tables for the site, made of the tables' data and the functions' documentation."""

import re
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources

from corruptgen.gallery.page import REFERENCES, URL
from corruptgen.publishing.wording import meanings, parameters_at, value_text
from corruptgen.tables import catalog
from corruptgen.tables.chain import ChainRow
from corruptgen.tables.row import Row
from corruptgen.tables.table import Preset

HEADING = re.compile(r"\[([\w.-]+)\]")
KEY = re.compile(r"([\w-]+)\s*=")


def index(names: Sequence[str], drawn: Sequence[str]) -> str:
    """Write the page that lists all tables."""
    lines = ["# Severity tables", "", "| table | rows | what it is | gallery |", "|---|---|---|---|"]
    for name in names:
        table = catalog.preset(name)
        gallery = _gallery_link("tables/index", name, "look") if name in drawn else ""
        kind = "frozen" if table.frozen else "open"
        lines.append(f"| [`{name}`]({name}.md) | {len(table.rows)} | {kind}: {table.title} | {gallery} |")
    return "\n".join([*lines, "", "```{toctree}", ":hidden:", "", *names, "```", ""])


def table_page(name: str, *, has_gallery: bool) -> str:
    """Write the page of a table: what holds for all of it, then every row."""
    table = catalog.preset(name)
    comments = comments_of((resources.files("corruptgen") / "tables" / "data" / f"{name}.toml").read_text("utf-8"))
    return (
        "\n\n".join([*_head(table, comments, has_gallery), *(_row(row, table, comments) for row in table.rows)]) + "\n"
    )


def comments_of(text: str) -> dict[tuple[str, str], str]:
    """Return the comments of a table by what they stand above: (row, column), or (row, "") for a row.

    Comments report why a value is odd; to a reader of the numbers they are half of the table.
    """
    found, row, said = {}, "", []
    for line in map(str.strip, text.splitlines()):
        if line.startswith("#"):
            said.append(line.removeprefix("#").strip())
            continue
        heading, key = HEADING.fullmatch(line), KEY.match(line)
        row = heading[1] if heading else row
        if said and (heading or key):
            found[row, "" if heading else key[1]] = " ".join(said)
        said = []
    return found


def _head(table: Preset, comments: Mapping[tuple[str, str], str], has_gallery: bool) -> Iterator[str]:
    header = table.content["preset"]
    yield f"# `{table.name}`"
    kind = "Frozen: a published benchmark, which never changes." if table.frozen else "Open: it may get better."
    yield f"{table.title}. {kind}"
    if has_gallery:
        yield f"**{_gallery_link(f'tables/{table.name}', table.name, 'The gallery of this table')}** shows every row."
    if notes := " ".join(str(header.get("notes", "")).split()):
        yield notes
    sizes = ", ".join(f"{height}×{width}" for height, width in table.sizes.allowed)
    others = f"; for other sizes {table.sizes.others}" if table.sizes.others else ""
    smallest = "×".join(map(str, table.sizes.smallest))
    facts = [
        f"Sizes: {sizes or f'any from {smallest}'}{others}.",
        f"Levels: {_levels(table)}.",
        f"Computed in {header.get('precision', 'float64')}; rounding: {header.get('rounding', 'round')}.",
        *(f"`{group}`: {', '.join(f'`{row}`' for row in rows)}." for group, rows in table.groups.items()),
        *(_sentence(text) for (row, key), text in comments.items() if row == "preset" and key),
        *map(_linked, header.get("references", ())),
    ]
    yield "\n".join(f"- {fact}" for fact in facts)


def _levels(table: Preset) -> str:
    counts = dict.fromkeys(row.level_count for row in table.rows.values())
    if len(counts) == 1:
        return str(next(iter(counts)))
    rows = {count: [f"`{row.name}`" for row in table.rows.values() if row.level_count == count] for count in counts}
    return "; ".join(f"{count} of {', '.join(names)}" for count, names in rows.items())


def _row(name: str, table: Preset, comments: Mapping[tuple[str, str], str]) -> str:
    row = table.rows[name]
    functions = {level.corruption.name: level.corruption for level in row.levels}.values()
    used = [function.name for function in functions]
    blocks = [f"## {name}", " ".join(function.summary for function in functions)]
    if used != [name]:
        blocks.append(f"Function: {', '.join(f'`{function}`' for function in used)}.")
    levels = row.severities
    if parameters := parameters_at(table, name, levels):
        lines = [f"| severity | {' | '.join(f'{level:g}' for level in levels)} |", f"|---|{'---|' * len(levels)}"]
        lines += [f"| `{key}` | {' | '.join(map(value_text, values))} |" for key, values in parameters.items()]
        blocks.append("\n".join(lines))
        blocks.append("\n".join(f"- `{key}`: {text}" for key, text in meanings(row).items()))
    facts = [*_odd(row, comments), *_ways(row)]
    blocks.append("\n".join(f"- {fact}" for fact in facts))
    references = dict.fromkeys(
        _linked(" ".join(text.split())) for function in functions for text in REFERENCES.findall(function.docstring)
    )
    return "\n\n".join([*(block for block in blocks if block), *references])


def _odd(row: Row, comments: Mapping[tuple[str, str], str]) -> Iterator[str]:
    """Return what the table states about the oddities of a row."""
    for (name, key), text in comments.items():
        if name == row.name:
            yield f"`{key}`: {text}" if key in row.uses[-1].parameters else _sentence(text)
    for level in sorted(row.non_monotone_levels):
        yield f"Level {level} is not worse than the level before it."


def _ways(row: Row) -> Iterator[str]:
    if isinstance(row, ChainRow):
        yield from _steps(row)
        return
    clean = ", ".join(f"`{key}` {value_text(value)}" for key, value in row.at_zero.items())
    yield f"Between levels: {row.interpolation}" + (f"; clean at {clean}." if clean else "; nothing below level 1.")
    if row.scaled:
        yield f"{', '.join(f'`{key}`' for key in sorted(row.scaled))}: grows with the image."


def _steps(row: ChainRow) -> Iterator[str]:
    chains = [", then ".join(f"`{step.row.name}` at {step.words}" for step in steps) for steps in row.steps]
    if len(set(chains)) == 1:
        yield f"Steps: {chains[0]}."
    else:
        yield from (f"Level {level}: {chain}." for level, chain in enumerate(chains, start=1))
    yield f"Between steps: {'clipped and rounded' if row.rounds_steps else 'neither clipped nor rounded'}."


def _sentence(text: str) -> str:
    return text if text.endswith((".", ":")) else f"{text}."


def _linked(text: str) -> str:
    return URL.sub(r"<\g<0>>", text)


def _gallery_link(place: str, name: str, words: str) -> str:
    """Link to a file that is no page of Sphinx's: from the page at `place`, up to the root and down again."""
    return f'<a href="{"../" * place.count("/")}gallery/{name}.html">{words}</a>'
