-- How long and how often a token may be redeemed, and for what it left. None of
-- it is about a person; `ends` NULL: it says so itself, inside.
ALTER TABLE token ADD COLUMN partner TEXT;
ALTER TABLE token ADD COLUMN purpose TEXT;
ALTER TABLE token ADD COLUMN category TEXT;
ALTER TABLE token ADD COLUMN ends INTEGER;
ALTER TABLE token ADD COLUMN uses INTEGER;
ALTER TABLE token ADD COLUMN used INTEGER NOT NULL DEFAULT 0;
UPDATE token SET (partner, ends) =
    (SELECT s.partner, max(s.retention_until) FROM share s WHERE s.share = token.share);
CREATE INDEX token_ends ON token (ends) WHERE sealed <> x'';
CREATE INDEX token_of_share ON token (share);

-- Redemptions that were granted, so that the same one again costs no further use.
CREATE TABLE redemption (
    partner TEXT NOT NULL,
    jti TEXT NOT NULL,
    token BLOB NOT NULL,
    digest BLOB NOT NULL,
    expires INTEGER NOT NULL,
    PRIMARY KEY (partner, jti)
) STRICT, WITHOUT ROWID;
CREATE INDEX redemption_of_token ON redemption (token);
CREATE INDEX redemption_expires ON redemption (expires);
