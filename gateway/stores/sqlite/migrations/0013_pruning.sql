-- Pruning (contract §10): leaves of up to the seq `upto` were looked at; `unsaid` of them are
-- gone that no leaf tells of yet, `pruned` in all.
CREATE TABLE pruning (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    upto INTEGER NOT NULL,
    unsaid INTEGER NOT NULL,
    pruned INTEGER NOT NULL
) STRICT;

-- Leaves that are past their term and were still needed, and when to look at them again.
CREATE TABLE kept_back (
    seq INTEGER PRIMARY KEY REFERENCES entry (seq),
    look INTEGER NOT NULL
) STRICT;
CREATE INDEX kept_back_look ON kept_back (look);

-- Stretches of 4096 leaves whose pruned leaves still fill the room that they had, and up to
-- which seq they do not any more.
CREATE TABLE loose (
    stretch INTEGER PRIMARY KEY,
    upto INTEGER NOT NULL
) STRICT;

-- Whether anything is open about a person is asked for each of their leaves.
CREATE INDEX cases_by_person ON cases (person) WHERE person IS NOT NULL;
