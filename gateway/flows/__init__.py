"""
What a caller can ask, one file each: plain steps in the order of the picture.

A flow awaits; the functions it calls between decide. Its docstring says what is
true if the process dies at any line.
"""
