"""Evaluation: which metrics fit a dataset, their values, and how far these would move with other images."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from corruptgen.errors import ScoreError, unknown
from corruptgen.metrics import detection
from corruptgen.metrics.baselines import Baseline, baseline, baseline_names
from corruptgen.metrics.corruption_error import weakness
from corruptgen.metrics.grid import Grid, Numbers, check_fractions, group_means
from corruptgen.metrics.resampling import percentiles, resamples
from corruptgen.metrics.sequences import FLIPS
from corruptgen.scoring import ground_truth, prediction_files
from corruptgen.scoring.frame_predictions import collect_frames
from corruptgen.scoring.ground_truth import CLEAN, GroundTruth
from corruptgen.scoring.measure import ANSWERS, BALANCED, FRAMES, MEASURES, PERFORMANCE
from corruptgen.scoring.prediction_files import Stacked
from corruptgen.scoring.predictions import Rule, collect_predictions
from corruptgen.scoring.report import Estimate, Report
from corruptgen.scoring.scored_items import ScoredItems, ScoringInput
from corruptgen.values.arguments import severity_text

RESAMPLES = 1000
RELATIVE = ("relative_mce", "rbe")
Subject = tuple[str, str]
"""What a number is and of what: ("score", "mce"), ("row", "mce"), ("severity", "ece"), ("group", "noise")..."""


@dataclass(frozen=True)
class ScoreOptions:
    """What is to be scored, and how."""

    metrics: tuple[str, ...] = ()
    """Empty: those that fit the dataset."""
    baseline: str = ""
    """A shipped one's name, or the path of a .toml or .json; empty: the one that fits the dataset."""
    rows: tuple[str, ...] = ()
    """Rows or groups; empty: all."""
    thresholds: tuple[float, ...] = ()
    """Of binary decisions: one, or one for each label; empty: 0.5."""
    resamples: int = RESAMPLES
    """0: no intervals."""
    level: float = 0.95
    seed: int = 0


def score(
    predictions: str | Path,
    directory: str | Path,
    *,
    metrics: Sequence[str] = (),
    baseline: str | Path = "",
    rows: Sequence[str] = (),
    classes: str | Path | None = None,
    thresholds: Sequence[float] = (),
    resamples: int = RESAMPLES,
    level: float = 0.95,
    seed: int = 0,
) -> Report:
    r"""Score a file of predictions on a generated dataset.

    Parameters
    ----------
    predictions : str or Path
        A .csv, .parquet or .npz file, as docs/metrics.md describes.
    directory : str or Path
        What `generate` made, with its manifest.
    metrics : sequence of str
        Their names; none: those that fit the dataset.
    baseline : str or Path
        What errors are normalised by: a shipped one's name, or the path of a .toml or .json; empty: the one that fits
        the dataset.
    rows : sequence of str
        Rows and groups; none: all.
    classes : str or Path or None
        A file with the names of the classes in the order of the model's numbers; None: in that of the manifest.
    thresholds : sequence of float
        Of binary decisions: one, or one for each label; none: 0.5.
    resamples : int
        Of the items, for intervals; 0: no intervals.
    level : float
        Share of resamples within an interval, between 0 and 1.
    seed : int
        Another one draws other resamples.

    Returns
    -------
    Report
        The scores as fractions; its `to_json` and `to_csv` return them as texts.

    Raises
    ------
    ScoreError
        If predictions are wrong, missing or there twice, or a metric that was asked for cannot be had from them.
    OutputError
        If the directory is not a finished output.
    UnknownName
        If there is no such metric, row or baseline; the message has the nearest one.

    Examples
    --------
    >>> import corruptgen
    >>> made = corruptgen.generate("small.toml", output="scored-c", workers=1)
    >>> lines = [
    ...     f"{item.id},{row},{severity},a\n"
    ...     for item in corruptgen.open("scored-c")
    ...     for row in ("brightness", "gaussian_noise")
    ...     for severity in (1, 3)
    ... ]
    >>> with open("predictions.csv", "w", encoding="utf-8") as file:
    ...     file.writelines(["id,row,severity,prediction\n", *lines])
    >>> score("predictions.csv", "scored-c", metrics=["mean_error"], resamples=0).scores["mean_error"].value
    0.0
    """
    wishes = ScoreOptions(tuple(metrics), str(baseline), tuple(rows), tuple(thresholds), resamples, level, seed)
    return score_dataset(predictions, directory, wishes, classes=classes)


def score_dataset(
    predictions: str | Path,
    directory: str | Path,
    wishes: ScoreOptions | None = None,
    *,
    classes: str | Path | None = None,
) -> Report:
    """Score a file of predictions as `score` does, whose arguments and errors these are.

    Parameters
    ----------
    predictions, directory, classes : str or Path
        As there.
    wishes : ScoreOptions or None
        Which metrics, against which baseline, with how many resamples.

    Returns
    -------
    Report
        As there.
    """
    wishes = wishes or ScoreOptions()
    for name in wishes.metrics:
        MEASURES.find(name)
    dataset = ground_truth.read_ground_truth(directory, classes)
    dataset = dataset.over(wishes.rows) if wishes.rows else dataset
    reference = _baseline(wishes, dataset)
    source = _source(predictions, dataset, reference, wishes)
    return evaluate(source, dataset, wishes)


def evaluate(source: ScoringInput, dataset: GroundTruth, wishes: ScoreOptions) -> Report:
    """Compute the metrics of a model.

    Parameters
    ----------
    source : Source
        Its answers or results, and the baseline.
    dataset : GroundTruth
        What they are of.
    wishes : ScoreOptions
        Which metrics, with how many resamples.
    """
    whole = ScoredItems(source)
    names, notes = _chosen(whole, dataset, wishes)
    main = _main(source, dataset)
    values = _quantities(whole, names, main, dataset)
    bounds: dict[Subject, tuple[Numbers, Numbers]] = {}
    items = len(dataset.ids if source.frames is None else source.frames.ids)
    if (source.answers or source.frames) is not None and wishes.resamples:
        drawn: dict[Subject, list[Numbers]] = {key: [] for key in values}
        for weights in resamples(items, wishes.resamples, wishes.seed):
            for key, value in _quantities(ScoredItems(source, weights), names, main, dataset).items():
                drawn[key].append(value)
        for key, samples in drawn.items():
            biased = key[1] in MEASURES and MEASURES[key[1]].biased
            bounds[key] = _bounds(np.concatenate(samples), wishes.level, values[key] if biased else None)

    def estimates(kind: str, name: str) -> list[Estimate]:
        columns = [np.ravel(column) for column in (values[kind, name], *bounds.get((kind, name), ()))]
        numbers = zip(*columns, strict=True)
        return [Estimate(*(None if np.isnan(number) else float(number) for number in found)) for found in numbers]

    rows, severities, cells = dataset.rows, dataset.severities, dataset.cells
    found = [estimates("cell", main)[rows.index(row) * len(severities) + severities.index(s)] for row, s in cells]
    return Report(
        dataset=dataset.name,
        preset=dataset.preset.name,
        items=items,
        rows=rows,
        severities=severities,
        baseline=source.baseline.name if source.baseline else "",
        resamples=wishes.resamples if bounds else 0,
        level=wishes.level,
        seed=wishes.seed,
        main=main,
        cells=dict(zip(cells, found, strict=True)),
        clean=estimates("clean", main)[0] if ("clean", main) in values else None,
        scores={name: estimates("score", name)[0] for name in names},
        by_row={
            name: dict(zip(_rows_of(name, source, rows), estimates("row", name), strict=True))
            for name in names
            if ("row", name) in values
        },
        by_severity={
            name: dict(zip(severities, estimates("severity", name), strict=True))
            for name in names
            if ("severity", name) in values
        },
        groups={name: estimates(kind, name)[0] for kind, name in values if kind == "group"},
        by_group={
            name: dict(zip(_groups_of(name, source, dataset), estimates("groups of", name), strict=True))
            for name in names
            if ("groups of", name) in values
        },
        notes=tuple(notes),
    )


def _baseline(wishes: ScoreOptions, dataset: GroundTruth) -> Baseline | None:
    if wishes.baseline:
        return baseline(wishes.baseline)
    known = baseline_names()
    fitting = [name for name in (dataset.preset.name, f"{dataset.preset.name}/alexnet") if name in known]
    return baseline(fitting[0]) if fitting else None


def _source(
    predictions: str | Path, dataset: GroundTruth, reference: Baseline | None, wishes: ScoreOptions
) -> ScoringInput:
    kind, content = prediction_files.read_predictions(predictions)
    if dataset.sequences:
        return _of_sequences(content, dataset, reference)
    dataset.check_labelled()
    # The open tables are no published benchmark: their means are over all rows.
    common = tuple(dataset.preset.groups.get("common", ())) if dataset.preset.frozen else ()
    if isinstance(content, dict):
        grid = _results(content, dataset)
        if kind == "performance":
            detection.check_performance(grid)
            return ScoringInput(performance=grid, baseline=reference, common=common)
        check_fractions(grid, f"{kind} values")
        return ScoringInput(error=grid if kind == "error" else grid.complement, baseline=reference, common=common)
    task = reference.task if reference else ""
    rule = Rule(task, wishes.thresholds) if wishes.thresholds else Rule(task)
    given = collect_predictions(content if isinstance(content, Stacked) else iter(content), dataset, rule)
    return ScoringInput(answers=given, baseline=reference, common=common)


def _of_sequences(content: prediction_files.Content, dataset: GroundTruth, reference: Baseline | None) -> ScoringInput:
    if images := [row for row in dataset.rows if row not in dataset.sequences]:
        raise ScoreError(
            f"{', '.join(dataset.sequences)} make sequences of frames, and {', '.join(images)} single images; score "
            "them apart, with --rows"
        )
    if isinstance(content, dict):
        raise ScoreError("a table of results is for rows of single images; pass predictions of all frames")
    given = collect_frames(content if isinstance(content, Stacked) else iter(content), dataset)
    return ScoringInput(frames=given, baseline=reference)


def _results(cells: Mapping[tuple[str, float], float], dataset: GroundTruth) -> Grid:
    """Take a table of results of the dataset's cells."""
    wanted = {(row, severity) for row in dataset.made for severity in dataset.levels[row]} | {(CLEAN, 0.0)}
    for row, severity in cells:
        if row not in (*dataset.made, CLEAN):
            raise ScoreError("the table of results: " + unknown("row of the dataset", row, (*dataset.made, CLEAN)))
        if (row, severity) not in wanted:
            raise ScoreError(f"the table of results: {row} has no severity {severity_text(severity)} in this dataset")
    known = {cell: value for cell, value in cells.items() if cell[0] != CLEAN}
    if not known:
        raise ScoreError("the table of results has no row but the clean one; pass one line for each row and severity")
    grid = Grid.of(known, cells.get((CLEAN, 0.0)), dataset.levels)
    return grid.selected(dataset.rows, {row: dataset.levels[row] for row in dataset.rows})


def _chosen(evidence: ScoredItems, dataset: GroundTruth, wishes: ScoreOptions) -> tuple[list[str], list[str]]:
    """Choose the metrics that were asked for, or all that fit and can be had; report what was left out and why."""
    source = evidence.source
    notes: list[str] = []
    if dataset.unlabelled and source.frames is None:
        notes.append(f"left out {len(dataset.unlabelled)} items without a label")
    if source.baseline is not None and not source.baseline.verified:
        notes.append(f"the numbers of the baseline {source.baseline.name} are not verified: {source.baseline.notes}")
    names = list(dict.fromkeys(wishes.metrics)) or list(_fitting(source, dataset, wishes))
    left_out: dict[str, list[str]] = {}
    possible = []
    for name in names:
        try:
            MEASURES[name].compute(evidence)
        except ScoreError as error:
            if wishes.metrics:
                raise ScoreError(f"{name}: {error}") from error
            left_out.setdefault(str(error), []).append(name)
        else:
            possible.append(name)
    notes += [f"left out {', '.join(unable)}: {reason}" for reason, unable in left_out.items()]
    for name in RELATIVE:
        if name in possible and source.baseline and (words := weakness(source.baseline, MEASURES[name].normalised)):
            notes.append(f"{name}: {words}")
    return possible, notes


def _fitting(source: ScoringInput, dataset: GroundTruth, wishes: ScoreOptions) -> Iterable[str]:
    for name, measure in MEASURES.loadable().items():
        if (measure.of == PERFORMANCE) != (source.performance is not None):
            continue
        if (measure.of == FRAMES) != (source.frames is not None):
            continue
        if measure.of == ANSWERS and source.answers is None:
            continue
        named = wishes.baseline and source.baseline and measure.normalised in source.baseline.values
        if measure.fits(dataset.preset.name) or (measure.normalised and named):
            yield name


def _main(source: ScoringInput, dataset: GroundTruth) -> str:
    if source.performance is not None:
        return "performance"
    if source.frames is not None:
        return FLIPS
    return BALANCED if MEASURES["balanced_error"].fits(dataset.preset.name) and source.answers is not None else "error"


def _quantities(evidence: ScoredItems, names: Sequence[str], main: str, dataset: GroundTruth) -> dict[Subject, Numbers]:
    """Compute every number of a report, (...) or (resamples, ...)."""
    grid = {"performance": "performance", BALANCED: "balanced", "error": "errors", FLIPS: "flips"}[main]
    cells: Grid = getattr(evidence, grid)
    values: dict[Subject, Numbers] = {("cell", main): cells.values}
    if cells.clean is not None:
        values["clean", main] = cells.clean
    values |= {("group", name): mean for name, mean in group_means(cells, ground_truth.groups_of(dataset)).items()}
    for name in names:
        measure = MEASURES[name]
        values["score", name] = np.asarray(measure.compute(evidence))
        if measure.by_row is not None:
            values["row", name] = measure.by_row(evidence)
            if groups := _groups_of(name, evidence.source, dataset):
                values["groups of", name] = _means(values["row", name], list(groups.values()))
        if measure.by_severity is not None:
            values["severity", name] = measure.by_severity(evidence)
    return values


def _bounds(samples: Numbers, level: float, values: Numbers | None) -> tuple[Numbers, Numbers]:
    flat = samples.reshape(len(samples), -1)
    around = [None] * flat.shape[1] if values is None else [float(value) for value in np.ravel(values)]
    pairs = [percentiles(column, level, value) for column, value in zip(flat.T, around, strict=True)]
    return np.array([low for low, _ in pairs]), np.array([high for _, high in pairs])


def _groups_of(name: str, source: ScoringInput, dataset: GroundTruth) -> dict[str, list[int]]:
    """Return the groups whose rows a metric has all, and the places of these rows among the metric's."""
    rows = _rows_of(name, source, dataset.rows)
    groups = ground_truth.groups_of(dataset)
    return {group: [rows.index(row) for row in of] for group, of in groups.items() if set(of) <= set(rows)}


def _means(by_row: Numbers, groups: Sequence[Sequence[int]]) -> Numbers:
    """Return the mean over each group of rows, (..., groups) of (..., rows)."""
    return np.stack([by_row[..., places].mean(axis=-1) for places in groups], axis=-1)


def _rows_of(name: str, source: ScoringInput, rows: tuple[str, ...]) -> tuple[str, ...]:
    measure = MEASURES[name].normalised
    return source.baseline.rows(measure) if measure and source.baseline else rows
