"""The documents tell the truth: what they name exists, and what they show has been run."""
