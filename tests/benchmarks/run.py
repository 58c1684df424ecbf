"""`make bench`: how fast the gateway is, beside peers that do less, in the same run."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

if __name__ == "__main__":
    # Run as a file, so the checkout is not on the path by itself.
    sys.path.insert(0, str(ROOT))
    from tests.benchmarks.command import main

    sys.exit(main())
