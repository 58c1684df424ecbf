"""
Attacks on the filter and on the way out, each a data file, run against the real server.

    cases/CLASS/NAME.yaml   one trick: what is sent, what must not arrive
    partners/NAME.yaml      the manifests that the tricks are tried on
    reading                 a case from its file
    bodies                  the bytes that a case describes
    recorder                the partner that keeps every byte it gets
    calling                 the caller, who writes requests byte by byte
    world                   a server, its partners and its caller
    judging                 what must hold of every trick, and of this one
    sabotage                how the product could lose each class
    serving                 the server with names that lead where a case says

`python -m tests.bypass` runs all of it and prints a table.
"""
