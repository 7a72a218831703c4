"""Tables that a recipe extends: chains beside their rows, and places in which all of them act."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, permutations
from typing import Any

from corruptgen.errors import PresetError
from corruptgen.tables import catalog
from corruptgen.tables.table import DEFAULT_LEVELS, Preset

# What the names of two rows are joined by in that of their pair.
AND = "__"
GROUP = "chains"


def extend(preset: Preset, chains: Sequence[Mapping[str, Any]], local: Mapping[str, Any] | None) -> Preset:
    """Return a table with chains of its rows, all of whose rows act in places.

    It says itself all that decides pixels, so that manifests record it whole. It is not frozen: its pixels are not
    those of the published table any more.

    Parameters
    ----------
    preset : Preset
        The table.
    chains : sequence of mapping of str to object
        Each with `name` and `steps` and perhaps `rounded_steps`; or with `pairs`, "all" or "unordered", and the `rows`
        and groups that pairs are made of, all that are images if there is no such key.
    local : mapping of str to object or None
        Where rows act, as `region` in a table; None: everywhere.

    Raises
    ------
    PresetError
        If a chain is called like a row, or is not as it may be.
    UnknownName
        If there is no such row or group.
    """
    if not chains and local is None:
        return preset
    content = dict(preset.content)
    for chain in chains:
        for name, steps in _pairs(preset, chain) if "pairs" in chain else [(chain["name"], chain["steps"])]:
            if name in content:
                raise PresetError(f"{preset.name}: the chain {name!r} is called like a row or another chain; rename it")
            rounded = {"rounded_steps": chain["rounded_steps"]} if "rounded_steps" in chain else {}
            content[name] = {"steps": steps, **_levels(preset, steps), **rounded}
    made = [name for name in content if name not in preset.content]
    groups = {**preset.groups, **({GROUP: made} if made else {})}
    header = {
        **content["preset"],
        "frozen": False,
        "colour": preset.colour,
        "groups": {group: list(members) for group, members in groups.items()},
    }
    content["preset"] = header if local is None else {**header, "region": dict(local)}
    return catalog.preset_from(preset.name, catalog.embed_tables(preset.name, content))


def _levels(preset: Preset, steps: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return the key that states how many levels a chain has, where that is not the number of the table."""
    rows = [step["row"] for step in steps if isinstance(step, Mapping) and "row" in step and not set(step) - {"row"}]
    counts = [preset.rows[row].level_count for row in rows if row in preset.rows]
    stated = preset.content["preset"].get("levels", DEFAULT_LEVELS)
    return {"levels": min(counts)} if counts and min(counts) != stated else {}


def _pairs(preset: Preset, chain: Mapping[str, Any]) -> Iterable[tuple[str, list[dict[str, str]]]]:
    """Return names and steps of the chains of two different rows."""
    names = preset.named_rows(chain["rows"]) if "rows" in chain else list(preset.rows)
    rows = [name for name in names if not (preset.row(name).is_sequence or preset.row(name).is_chain)]
    orders = permutations(rows, 2) if chain["pairs"] == "all" else combinations(rows, 2)
    for first, second in orders:
        yield f"{first}{AND}{second}", [{"row": first}, {"row": second}]
