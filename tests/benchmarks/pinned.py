"""
Start a program on one processor. Its threads inherit that, which they would not
if it were set from outside later.

    python pinned.py PROCESSOR PROGRAM ARGUMENTS…
"""

import os
import sys

if __name__ == "__main__":
    os.sched_setaffinity(0, {int(sys.argv[1])})
    os.execvp(sys.argv[2], sys.argv[2:])
