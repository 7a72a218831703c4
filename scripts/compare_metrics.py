"""Compare BE and rBE with the package medmnistc: its own evaluator, on random scores for each of its twelve data sets.

python scripts/compare_metrics.py --peer-python peer/bin/python   # without --peer-python, medmnistc is installed again
"""

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.metrics import Baseline, Grid, baseline, baseline_names, corruption_error
from corruptgen.metrics.class_balance import decisions, mean_balanced_error

PEER = Path(__file__).with_name("metrics_peer.py")
# The evaluator needs none of the package's pinned dependencies.
PACKAGES = (("--no-deps", "medmnistc==0.1.0"), ("scikit-learn",))
CLASSES = {"pathmnist": 9, "bloodmnist": 8, "dermamnist": 7, "retinamnist": 5, "tissuemnist": 8, "octmnist": 4}
CLASSES |= {"breastmnist": 2, "pneumoniamnist": 2, "chestmnist": 14}
CLASSES |= dict.fromkeys(("organamnist", "organcmnist", "organsmnist"), 11)
ITEMS, LEVELS = 200, 5
ALLOWED = 1e-9  # of percent: the two sum in another order


def main() -> int:
    """Compare, print the table of results; 0 if everything is equal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", type=Path, help="a Python that has medmnistc; without it one is installed")
    parser.add_argument("--goldens", type=Path, help="a JSON file to which the peer's numbers are written")
    wanted = parser.parse_args()

    tables = {name.split("/")[1]: baseline(name) for name in baseline_names() if name.startswith("medmnist-c/")}
    arrays = {name: value for dataset, table in tables.items() for name, value in scores(dataset, table).items()}
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        python = wanted.peer_python or installed(scratch / "peer")
        tasks = json.dumps({dataset: table.task for dataset, table in tables.items()})
        np.savez(scratch / "scores.npz", tasks=np.array(tasks), **arrays)
        subprocess.run([python, PEER, scratch / "scores.npz", scratch / "peer.json"], check=True)
        peer = json.loads((scratch / "peer.json").read_text("utf-8"))

    worst = 0.0
    print("| data set | rows | BE, % | rBE, % | largest difference | baseline |")
    print("|---|---|---|---|---|---|")
    for dataset, table in tables.items():
        theirs, known = peer["results"][dataset], peer["baselines"][dataset]
        ours = own(dataset, table, arrays)
        difference = max(
            abs(ours["mean"] - 100 * theirs["metrics"]["be"]),
            abs(ours["relative mean"] - 100 * theirs["metrics"]["rbe"]),
            *(abs(ours[row] - 100 * value) for row, value in theirs["be_scores"].items()),
            *(abs(ours[f"relative {row}"] - 100 * value) for row, value in theirs["rbe_scores"].items()),
        )
        rows = {row: values[0] for row, values in table.table("balanced_error").items()}
        same = rows == known["raw_scores"] and table.clean == known["clean_score"]
        worst = max(worst, difference if same else np.inf)
        numbers = f"{ours['mean']:.4f} | {ours['relative mean']:.4f} | {difference:.1e}"
        print(f"| {dataset} | {len(rows)} | {numbers} | {'equal' if same else 'NOT equal'} |")
    print(f"\nThe peer ran on {', '.join(f'{name} {number}' for name, number in peer['versions'].items())}.")
    if wanted.goldens:
        goldens = {dataset: result["metrics"] for dataset, result in peer["results"].items()}
        wanted.goldens.write_text(json.dumps({"versions": peer["versions"], "metrics": goldens}, indent=1) + "\n")
    return 0 if worst <= ALLOWED else 1


def scores(dataset: str, table: Baseline) -> dict[str, NDArray[Any]]:
    """Draw labels, and scores that get worse with the severity, as the evaluator takes them."""
    rng = np.random.RandomState(1843956201 + sorted(CLASSES).index(dataset))
    classes, task = CLASSES[dataset], table.task
    several = task.startswith("multi-label")
    labels = rng.randint(2 if several else classes, size=(ITEMS, classes if several else 1))
    truth = labels if several else np.eye(classes)[labels[:, 0]]
    drawn = {f"{dataset}/labels": labels, f"{dataset}/clean": _softly(truth, 0.3, rng)}
    for row in table.rows("balanced_error"):
        levels = [_softly(truth, 0.4 + 0.15 * level, rng) for level in range(LEVELS)]
        drawn[f"{dataset}/{row}"] = np.concatenate(levels)
    return drawn


def own(dataset: str, table: Baseline, arrays: Mapping[str, NDArray[Any]]) -> dict[str, float]:
    """Score the same with our functions."""
    labels = arrays[f"{dataset}/labels"]

    def errors(given: NDArray[Any]) -> NDArray[np.float64]:
        correct = decisions(given.reshape(-1, ITEMS, given.shape[-1]), table.task) == labels
        return np.asarray(mean_balanced_error(correct, labels))

    rows = table.rows("balanced_error")
    cells = np.stack([errors(arrays[f"{dataset}/{row}"]) for row in rows])
    clean = errors(arrays[f"{dataset}/clean"])[0]
    grid = Grid(rows, table.severities, cells, np.asarray(clean))
    # The result of `evaluate`, without its warning of weak denominators: here they are wanted.
    be = corruption_error.corruption_errors(grid, table, "balanced_error")
    rbe = corruption_error.relative_corruption_errors(grid, table, "balanced_error")
    named = dict(zip(rows, be.tolist(), strict=True)) | {f"relative {row}": v for row, v in zip(rows, rbe, strict=True)}
    return named | {"mean": float(be.mean()), "relative mean": float(rbe.mean())}


def installed(directory: Path) -> Path:
    """Install the peer into an environment of its own and give that environment's Python."""
    venv.create(directory, with_pip=True)
    python = directory / "bin" / "python"
    for packages in PACKAGES:
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
    return python


def _softly(truth: NDArray[Any], noise: float, rng: np.random.RandomState) -> NDArray[np.float64]:
    """Return scores from 0 to 1 that are right where the noise is small."""
    return np.clip(truth + noise * rng.standard_normal(truth.shape), 0, 1)


if __name__ == "__main__":
    sys.exit(main())
