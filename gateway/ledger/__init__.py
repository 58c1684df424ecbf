"""
Evidence: the append-only record of shares and what became of them.

The core of it, without disk or clock: leaves (`entries`), their bytes and
hashes (`encode`), the tree over them (`merkle`, `proofs`), signed tree heads
(`note`, `checkpoint`) and those who cosign them (`witness`), the file that
carries all of it (`bundle`), and the check that nothing in it contradicts itself
(`verify`). `FORMAT.md` says it exactly enough to be implemented elsewhere.
"""
