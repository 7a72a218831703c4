"""Measure the corruptions inside a torch DataLoader beside those of other libraries, one row after the other.

All run in one process of an environment that holds the libraries, one thread, the contenders in turn; what is given is
the median of processor time per image. A peer that is not behind is named below the table.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIBRARIES = (
    "imagecorruptions-imaug==1.1.5",
    "corrupt-tta==0.1.7",
    "albumentations==2.0.8",
    "kornia==0.9.0",
    "torchvision==0.29.2",
    "numpy==2.4.6",
    "scikit-image==0.26.0",
)
BEGIN, END = "<!-- throughput -->", "<!-- /throughput -->"
# Allocations are kept by the process: else page faults are half of what the slower libraries cost.
ENVIRONMENT = {
    "MALLOC_MMAP_THRESHOLD_": "1000000000",
    "MALLOC_TRIM_THRESHOLD_": "1000000000",
    "MALLOC_TOP_PAD_": "67108864",
    "OMP_NUM_THREADS": "1",
    "NO_ALBUMENTATIONS_UPDATE": "1",
}


def main() -> int:
    """Measure, print the table, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, help="a Python that has the libraries; without it one is installed")
    parser.add_argument("--rows", nargs="*", help="only these rows")
    parser.add_argument("--images", type=int, default=8, help="images in a pass through the loader")
    parser.add_argument("--rounds", type=int, default=7, help="passes of each contender")
    parser.add_argument("--docs", type=Path, help="a Markdown file whose table is to be replaced")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        python = wanted.python or installed(Path(directory))
        choices = [wanted.images, wanted.rounds, *(wanted.rows or ())]
        done = subprocess.run(
            [python, ROOT / "scripts" / "loader_peers.py", *map(str, choices)],
            env=os.environ | ENVIRONMENT | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    print(done.stdout)
    if wanted.docs:
        text = wanted.docs.read_text("utf-8")
        before, after = text.split(BEGIN)[0], text.split(END)[1]
        wanted.docs.write_text(f"{before}{BEGIN}\n{done.stdout}{END}{after}", "utf-8")
    return 0


def installed(directory: Path) -> Path:
    """Make an environment with the libraries and what we need ourselves."""
    print("installing the libraries ...", file=sys.stderr)
    venv.create(directory, with_pip=True)
    python = directory / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", *LIBRARIES, ROOT], check=True)
    return python


if __name__ == "__main__":
    sys.exit(main())
