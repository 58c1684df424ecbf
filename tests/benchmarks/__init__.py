"""Speed beside peers in the same run. `make bench` runs all of it, `run.py --help` says what else."""
