-- The ledger: one row a leaf, in order. seq - 1 is the leaf's index.
CREATE TABLE entry (
    seq INTEGER PRIMARY KEY,
    leaf TEXT NOT NULL
) STRICT;

-- Tiles of the tree (C2SP tlog-tiles, height 8) and the newest checkpoint.
CREATE TABLE tile (
    level INTEGER NOT NULL,
    n INTEGER NOT NULL,
    hashes BLOB NOT NULL,
    PRIMARY KEY (level, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoint (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    size INTEGER NOT NULL,
    root BLOB NOT NULL,
    note TEXT NOT NULL
) STRICT;

-- Keys that are destroyed one day, wrapped, all of one size. A row is added at the
-- end and overwritten in place, so that it never moves: what a B-tree has moved to
-- another page can be read in the old one for a while, also with secure_delete.
CREATE TABLE wrapped (
    no INTEGER PRIMARY KEY,
    key BLOB NOT NULL
) STRICT;

-- People. `lookup` is a keyed hash of the app's id, `wrapped` the subject's own
-- key, `facts` sealed under it. Every row can be erased.
CREATE TABLE person (
    no INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL DEFAULT 0,
    erased INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE subject (
    no INTEGER PRIMARY KEY,
    lookup BLOB NOT NULL UNIQUE,
    person INTEGER NOT NULL REFERENCES person (no),
    wrapped INTEGER NOT NULL REFERENCES wrapped (no),
    facts BLOB NOT NULL
) STRICT;
CREATE INDEX subject_of_person ON subject (person);

-- What keeps an erased subject out: a keyed hash and a month, nothing else, in
-- an order that tells nothing.
CREATE TABLE tombstone (
    mark BLOB PRIMARY KEY,
    expires TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE consent (
    id TEXT PRIMARY KEY,
    subject INTEGER NOT NULL REFERENCES subject (no),
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX consent_of_subject ON consent (subject);

CREATE TABLE fence (
    case_id TEXT NOT NULL,
    person INTEGER NOT NULL REFERENCES person (no),
    sealed BLOB NOT NULL,
    PRIMARY KEY (case_id, person)
) STRICT, WITHOUT ROWID;
CREATE INDEX fence_of_person ON fence (person);

-- The erasable index: which intents are whose, and what became of them. A
-- cleared `subject` leaves a leaf that nothing links to a person.
CREATE TABLE share (
    seq INTEGER PRIMARY KEY REFERENCES entry (seq),
    share TEXT NOT NULL,
    kind TEXT NOT NULL,
    partner TEXT NOT NULL,
    subject INTEGER,
    outcome TEXT,
    retention_until INTEGER NOT NULL
) STRICT;
CREATE INDEX share_by_id ON share (share);
CREATE INDEX share_of_subject ON share (subject) WHERE subject IS NOT NULL;
CREATE INDEX share_open ON share (partner) WHERE outcome IS NULL;

-- The partner's own ids of records, sealed under the subject's key.
CREATE TABLE reference (
    share TEXT NOT NULL,
    subject INTEGER NOT NULL,
    sealed BLOB NOT NULL
) STRICT;
CREATE INDEX reference_of_subject ON reference (subject);

-- Values for which a partner holds a token.
CREATE TABLE token (
    mark BLOB PRIMARY KEY,
    share TEXT NOT NULL,
    subject INTEGER,
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX token_of_subject ON token (subject);

CREATE TABLE idempotency (
    key BLOB PRIMARY KEY,
    fingerprint BLOB NOT NULL,
    share TEXT NOT NULL,
    subject INTEGER,
    answer BLOB,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_expires ON idempotency (expires);
CREATE INDEX idempotency_of_subject ON idempotency (subject);

-- Shares to be sent later. `sealed` is destroyed when the share has ended.
CREATE TABLE queued (
    share TEXT PRIMARY KEY,
    partner TEXT NOT NULL,
    subject INTEGER,
    owner BLOB NOT NULL,
    state TEXT NOT NULL,
    claimed INTEGER NOT NULL DEFAULT 0,
    due INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    sealed BLOB,
    status INTEGER,
    code TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX queued_due ON queued (due) WHERE state = 'queued';
CREATE INDEX queued_of_subject ON queued (subject);

CREATE TABLE evidence (
    id TEXT PRIMARY KEY,
    partner TEXT NOT NULL,
    any_subject INTEGER NOT NULL,
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE evidence_subject (
    evidence TEXT NOT NULL REFERENCES evidence (id),
    lookup BLOB NOT NULL,
    PRIMARY KEY (evidence, lookup)
) STRICT, WITHOUT ROWID;

CREATE TABLE partner (
    id TEXT PRIMARY KEY,
    suspended INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    digest TEXT NOT NULL
) STRICT, WITHOUT ROWID;
