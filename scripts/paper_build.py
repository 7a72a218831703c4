"""Plan a full ImageNet-C on paper from one measured figure, as docs/engine.md has it.

python scripts/paper_build.py 129
"""

import argparse
import math

ITEMS, CELLS = 50_000, 95  # 19 rows × 5 severities
# What each of two workers must reach in scripts/throughput.py; for more of them it is an assumption.
EFFICIENCY = 0.85
CREWS = (
    ("one core", 1, 50),
    ("64 cores in one machine", 64, 50),
    ("the same, `items_per_shard = 250`", 64, 250),
    ("16 such machines under Dask", 1024, 50),
    ("the same, `items_per_shard = 250`", 1024, 250),
)


def seconds(pace: float, workers: int, block: int) -> float:
    """Return how long the last worker is at work, when each makes whole blocks."""
    each = pace * (1 if workers == 1 else EFFICIENCY)
    rounds = math.ceil(math.ceil(ITEMS / block) / workers)
    return rounds * block * CELLS / each


def said(duration: float) -> str:
    """Return a time in the unit in which it is a handy number."""
    for unit, length in (("hours", 3600), ("minutes", 60)):
        if duration >= 2 * length:
            return f"{duration / length:.1f} {unit}"
    return f"{duration:.0f} s"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pace", type=float, help="images per second of one core, as scripts/throughput.py measures it")
    pace = parser.parse_args().pace
    print("| | blocks for each worker | time of a block | time in all |\n|---|---|---|---|")
    for name, workers, block in CREWS:
        blocks = math.ceil(math.ceil(ITEMS / block) / workers)
        total = seconds(pace, workers, block)
        print(f"| {name} | {blocks} | {said(total / blocks)} | {said(total)} |")


if __name__ == "__main__":
    main()
