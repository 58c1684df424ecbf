"""Speed beside peers in the same run. `make bench` runs all, `run.py --help` says more."""
