-- Checkpoints that witnesses have cosigned, and the line that each gave; by the key of the
-- witness. Older ones go once a newer has as many as are wanted.
CREATE TABLE witnessed (
    size INTEGER PRIMARY KEY,
    root BLOB NOT NULL,
    note TEXT NOT NULL
) STRICT;

CREATE TABLE cosignature (
    size INTEGER NOT NULL REFERENCES witnessed (size),
    witness TEXT NOT NULL,
    line TEXT NOT NULL,
    PRIMARY KEY (size, witness)
) STRICT, WITHOUT ROWID;

-- Where the leaf of a share's outcome is, so that it can be proven. NULL: open, or settled
-- before this was kept.
ALTER TABLE share ADD COLUMN settled INTEGER;
