-- One decision about many people. `chosen` says who: everybody, all within a scope, or a list
-- of ids. `gathered` is the person up to whom they were looked up; NULL: all were. `passed` counts who
-- had nothing left to be told. `sealed` is what each of their cases needs, under a key of its
-- own that goes when the last of them is open.
CREATE TABLE mass_case (
    no INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    action TEXT NOT NULL,
    reason TEXT NOT NULL,
    scope TEXT NOT NULL,
    chosen TEXT NOT NULL,
    state TEXT NOT NULL,
    opener TEXT NOT NULL,
    approver TEXT,
    accepted_at INTEGER NOT NULL,
    starts_at INTEGER NOT NULL,
    announced_at INTEGER,
    ended_at INTEGER,
    people INTEGER NOT NULL DEFAULT 0,
    opened INTEGER NOT NULL DEFAULT 0,
    passed INTEGER NOT NULL DEFAULT 0,
    gathered INTEGER,
    wrapped INTEGER,
    sealed BLOB
) STRICT;

-- Whose case is not open yet. `person` where somebody is known, `mark` (keyed, of this list
-- alone) and `sealed` (the id) where they are of a list. A row goes with its case.
CREATE TABLE mass_person (
    mass INTEGER NOT NULL REFERENCES mass_case (no),
    place INTEGER NOT NULL,
    person INTEGER,
    mark BLOB,
    sealed BLOB,
    PRIMARY KEY (mass, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX mass_of_person ON mass_person (person) WHERE person IS NOT NULL;
CREATE UNIQUE INDEX mass_once ON mass_person (mass, person) WHERE person IS NOT NULL;
CREATE UNIQUE INDEX mass_listed_once ON mass_person (mass, mark) WHERE mark IS NOT NULL;

-- Which cases and notices are part of one; everybody else's go first.
ALTER TABLE cases ADD COLUMN mass INTEGER;
ALTER TABLE notice ADD COLUMN mass INTEGER;
CREATE INDEX cases_of_mass ON cases (mass, state) WHERE mass IS NOT NULL;
CREATE INDEX notice_of_mass ON notice (mass, partner, state, settled) WHERE mass IS NOT NULL;
CREATE INDEX notice_own ON notice (partner, next_at, case_id)
WHERE mass IS NULL AND next_at IS NOT NULL AND held = 0 AND claimed = 0;
CREATE INDEX notice_own_turn ON notice (partner, case_id, next_at)
WHERE mass IS NULL AND next_at IS NOT NULL AND held = 0 AND claimed = 0;

-- So that nobody's erasure reads everybody's notices and evidence.
CREATE INDEX notice_of_person ON notice (person) WHERE person IS NOT NULL;
CREATE INDEX evidence_about ON evidence_subject (lookup);

-- And nobody's deadline is found by reading all that is not settled.
CREATE INDEX notice_backups ON notice (backups_until) WHERE settled = 0 AND state = 'completed';
