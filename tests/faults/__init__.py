"""What must hold when something breaks: the process, the disk, the power."""
