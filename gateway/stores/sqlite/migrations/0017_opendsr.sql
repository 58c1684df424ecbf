-- Requests that were taken in OpenDSR: `mark` is a keyed hash of who asked and of the request's
-- id, `sealed` where to call back. `told` is the status that was told last, `next_at` when there
-- is to be looked again; NULL: nothing more is told. `fingerprint`: a keyed hash of what was asked,
-- for a day, in which the same request may come again.
CREATE TABLE opendsr_request (
    mark BLOB PRIMARY KEY,
    case_id TEXT NOT NULL,
    received INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    told TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER,
    fingerprint BLOB
) STRICT, WITHOUT ROWID;

CREATE INDEX opendsr_request_due ON opendsr_request (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX opendsr_request_new ON opendsr_request (received) WHERE fingerprint IS NOT NULL;
