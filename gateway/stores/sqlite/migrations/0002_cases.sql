-- What a manifest last said, so that a recipient is told also after its manifest is gone.
ALTER TABLE partner ADD COLUMN snapshot TEXT NOT NULL DEFAULT '';

-- Requests to erase. `person` and `sealed` go when the subject's key does; what
-- stays holds nothing about the person but a salted hash.
CREATE TABLE cases (
    id TEXT PRIMARY KEY,
    action TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    scope TEXT NOT NULL,
    accepted_at INTEGER NOT NULL,
    deadline INTEGER NOT NULL,
    closed_at INTEGER,
    subject_hash TEXT NOT NULL,
    whole INTEGER NOT NULL,
    stage TEXT NOT NULL,
    person INTEGER,
    wrapped INTEGER,
    sealed BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX cases_unfinished ON cases (stage) WHERE stage <> 'finished';

-- One message to one recipient. `escrow` is what it says of the person, under a
-- key of its own; both go when the recipient settles.
CREATE TABLE notice (
    id TEXT PRIMARY KEY,
    case_id TEXT NOT NULL REFERENCES cases (id),
    place INTEGER NOT NULL,
    partner TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    deadline INTEGER NOT NULL,
    backups_until TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER,
    proof TEXT,
    settled INTEGER NOT NULL DEFAULT 0,
    held INTEGER NOT NULL DEFAULT 0,
    resend_at INTEGER,
    claimed INTEGER NOT NULL DEFAULT 0,
    person INTEGER,
    wrapped INTEGER,
    escrow BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX notice_of_case ON notice (case_id);
CREATE INDEX notice_due ON notice (next_at) WHERE next_at IS NOT NULL AND held = 0;
CREATE INDEX notice_unsettled ON notice (deadline) WHERE settled = 0;
CREATE INDEX notice_held ON notice (partner) WHERE held = 1;
CREATE INDEX notice_claimed ON notice (partner) WHERE claimed = 1;

CREATE TABLE receipt (
    partner TEXT NOT NULL,
    jti TEXT NOT NULL,
    notice TEXT NOT NULL,
    token TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (partner, jti)
) STRICT, WITHOUT ROWID;
CREATE INDEX receipt_of_notice ON receipt (notice);

-- What happened to a case, for those who watch it.
CREATE TABLE case_event (
    id INTEGER PRIMARY KEY,
    case_id TEXT NOT NULL REFERENCES cases (id),
    kind TEXT NOT NULL,
    data TEXT NOT NULL
) STRICT;
CREATE INDEX event_of_case ON case_event (case_id, id);
