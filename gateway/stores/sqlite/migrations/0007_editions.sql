-- Editions kept whole (N1): every document that was in force, compressed. `turn` tells
-- in which order they came into force, the last one again when it comes back.
CREATE TABLE edition (
    number TEXT NOT NULL,
    digest TEXT NOT NULL,
    published TEXT NOT NULL,
    effective TEXT NOT NULL,
    adopted_at INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    widened TEXT NOT NULL,
    documents BLOB NOT NULL,
    PRIMARY KEY (number, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX edition_by_turn ON edition (turn);

-- The erasable index of refusals: whose they are, and what was asked on. A refusal of
-- somebody of whom nothing is stored has no subject.
CREATE TABLE refusal (
    seq INTEGER PRIMARY KEY REFERENCES entry (seq),
    subject INTEGER,
    ground TEXT,
    evidence TEXT
) STRICT;
CREATE INDEX refusal_of_subject ON refusal (subject) WHERE subject IS NOT NULL;
