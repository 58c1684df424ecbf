"""
The deletion of one person, explored state by state: everything that can happen,
in every order, in a world that is small enough to look at all of it.
"""
