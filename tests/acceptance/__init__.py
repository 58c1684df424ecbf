"""The product as its users run it: as processes, from the command line."""
