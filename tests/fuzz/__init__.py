"""Random and hostile input, judged from outside: by a second filter, and by tools nobody here wrote."""
