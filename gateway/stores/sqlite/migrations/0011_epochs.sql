-- Epochs of the keys that wrap people's keys. A key is destroyed once it is due and no row
-- of `wrapped` names its epoch; none names one that is closed from then on.
CREATE TABLE epoch (
    number INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    due INTEGER,
    closed INTEGER NOT NULL DEFAULT 0,
    destroyed INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Which epoch a wrapped key names: four bytes, x'01' of the first version, x'00' when it is
-- destroyed. Of the keys themselves nothing is in it, so it may move.
CREATE INDEX wrapped_epoch ON wrapped (
    CASE substr(key, 1, 1) WHEN x'02' THEN substr(key, 2, 4) ELSE substr(key, 1, 1) END
);

-- Signing keys of the gateway's own that the ledger knows.
CREATE TABLE own_key (
    kid TEXT PRIMARY KEY,
    retired INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
