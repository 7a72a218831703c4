"""The severities that a recipe asks for, row by row: rows of a table may have different numbers of levels."""

from collections.abc import Mapping, Sequence

from corruptgen.errors import SeverityError, UnknownName, unknown
from corruptgen.recipe.corrupt_section import Severities
from corruptgen.tables.table import Preset
from corruptgen.values.arguments import severity_text

MOST_NAMED = 5  # rows in one message


def spell_out_severities(
    preset: Preset, rows: Sequence[str], chosen: Severities | None
) -> dict[str, tuple[float, ...]]:
    """Return the severities of each row, by its name and in the order of `rows`.

    Parameters
    ----------
    preset : Preset
        The severity table.
    rows : sequence of str
        The rows of the recipe, spelled out.
    chosen : Severities or None
        What the recipe says.

    Raises
    ------
    UnknownName
        If severities are stated for a row or group that is not one, or not one of the recipe.
    SeverityError
        If a row has fewer levels than a severity that is stated for it.
    """
    by_row = _by_row(preset, rows, chosen) if isinstance(chosen, Mapping) else dict.fromkeys(rows, chosen)
    found = {row: by_row.get(row) or preset.row(row).severities for row in rows}
    lacking = [(row, found[row][-1]) for row in rows if found[row][-1] > preset.row(row).level_count]
    if lacking:
        named = "; ".join(
            f"{row}: severity {severity_text(severity)} is outside of 0..{preset.row(row).level_count}"
            for row, severity in lacking[:MOST_NAMED]
        )
        more = f"; and {len(lacking) - MOST_NAMED} more rows" if len(lacking) > MOST_NAMED else ""
        row = lacking[0][0]
        raise SeverityError(
            f"{named}{more}; leave severities out for all levels of each row, or state them by row: "
            f"severities = {{ {row} = [{', '.join(map(severity_text, preset.row(row).severities))}] }}"
        )
    return found


def shortest_form(severities: Mapping[str, tuple[float, ...]]) -> Severities:
    """Return one list where all rows have the same severities, and else those of each row."""
    different = list(dict.fromkeys(severities.values()))
    return different[0] if len(different) == 1 else dict(severities)


def _by_row(
    preset: Preset, rows: Sequence[str], chosen: Mapping[str, tuple[float, ...]]
) -> dict[str, tuple[float, ...]]:
    """Spell out groups; a row that is named itself has its own severities, whatever those of its group."""
    found: dict[str, tuple[float, ...]] = {}
    for name, severities in sorted(chosen.items(), key=lambda entry: entry[0] not in preset.groups):
        members = preset.named_rows([name])
        if not set(members) & set(rows):
            raise UnknownName(f"severities: {unknown('row of the recipe', name, rows)}")
        found |= dict.fromkeys(members, severities)
    return found
