"""The command that scores predictions."""

from pathlib import Path

from corruptgen.cli.terminal import WRONG_USAGE, eprint, fail, print_columns
from corruptgen.scoring import plot
from corruptgen.scoring.evaluation import ScoreOptions, score_dataset
from corruptgen.store.names import printable


def score_predictions(
    predictions: Path, manifest: Path, wishes: ScoreOptions, *, classes: Path | None, output: Path | None, drawing: bool
) -> None:
    """Print a score and, if there is a place for it, write it.

    Parameters
    ----------
    predictions, manifest, wishes, classes : Path, ScoreOptions, Path or None
        As `corruptgen.scoring.evaluation.score_predictions` takes them.
    output : Path or None
        Written with the endings .json, .csv and .png.
    drawing : bool
        Also draw the plot.
    """
    directory = manifest.parent if manifest.name == "manifest.json" else manifest
    report = score_dataset(predictions, directory, wishes, classes=classes)
    grid = f"{len(report.rows)} rows × {len(report.severities)} severities"
    baseline = f", baseline {report.baseline}" if report.baseline else ""
    interval = f", {100 * report.level:g} % intervals of {report.resamples} resamples" if report.resamples else ""
    print(f"{report.dataset}, table {report.preset}: {report.items} items, {grid}{baseline}{interval}\n")
    print_columns(report.lines())
    print()
    print_columns(report.row_lines())
    for note in report.notes:
        eprint(printable(note))
    if output:
        _write(output.with_name(output.name + ".json"), report.to_json().encode())
        _write(output.with_name(output.name + ".csv"), report.to_csv().encode())
        if drawing:
            _write(output.with_name(output.name + ".png"), plot.draw_png(report))


def read_numbers(text: str | None) -> tuple[float, ...]:
    """Read numbers with commas between them."""
    try:
        return tuple(float(number) for number in text.split(",")) if text else ()
    except ValueError:
        fail(f"--threshold {text}: these are not numbers with commas between them", WRONG_USAGE)


def read_words(text: str | None) -> tuple[str, ...]:
    """Read words with commas between them."""
    return tuple(word.strip() for word in text.split(",")) if text else ()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
