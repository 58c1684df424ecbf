"""Evidence: leaves, the tree over them, checkpoints, bundles, and the check of all of it."""
