-- A store that was restored from a copy and is brought up to what a bundle says. Until it is
-- done the store is not served: its ledger would go on from the middle of the bundle.
CREATE TABLE replay (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    start INTEGER NOT NULL,
    size INTEGER NOT NULL,
    note TEXT NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,
    untried INTEGER NOT NULL DEFAULT 0
) STRICT;
