-- What a protocol keeps between the steps of a notice, under its escrow key; goes with it.
ALTER TABLE notice ADD COLUMN memory BLOB;

-- Where recipients call back about a notice: `mark` is a keyed hash of the address's last part.
CREATE TABLE callback (
    mark BLOB PRIMARY KEY,
    notice TEXT NOT NULL REFERENCES notice (id)
) STRICT, WITHOUT ROWID;

-- What a person settled a notice on, under a key of its own; leaves hold only a commitment to it.
CREATE TABLE resolution (
    notice TEXT PRIMARY KEY REFERENCES notice (id),
    wrapped INTEGER NOT NULL,
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
