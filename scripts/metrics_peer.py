"""Let the package medmnistc score predictions; run by compare_metrics.py with a Python that has it, not with ours."""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from medmnistc.eval import Evaluator
from medmnistc.utils.baselines import BASELINES


def main() -> None:
    """Read scores and labels of data sets, write what the evaluator makes of them, and its baselines."""
    given, written = map(Path, sys.argv[1:])
    results = {}
    with np.load(given) as arrays:
        tasks = json.loads(str(arrays["tasks"]))
        for dataset, task in tasks.items():
            rows = list(BASELINES[dataset]["raw_scores"])
            labels = arrays[f"{dataset}/labels"]
            threshold = [0.5] * labels.shape[1] if task.startswith("multi-label") else 0.5
            evaluator = Evaluator(dataset, labels, rows, "", "random", task)
            evaluator.evaluate_clean(arrays[f"{dataset}/clean"], threshold)
            for row in rows:
                evaluator.evaluate(arrays[f"{dataset}/{row}"], row, threshold)
            evaluator.output_log = {}
            evaluator.populate_summary()
            results[dataset] = evaluator.output_log
    versions = {name: version(name) for name in ("medmnistc", "numpy", "scikit-learn")}
    written.write_text(json.dumps({"versions": versions, "results": results, "baselines": BASELINES}, default=float))


if __name__ == "__main__":
    main()
