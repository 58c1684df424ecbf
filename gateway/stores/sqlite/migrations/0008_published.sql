-- Keys that recipients publish at a URL: the set as it was fetched last, and since when
-- each key of it is known. All of it is public; nothing of a person is in it.
CREATE TABLE published (
    partner TEXT PRIMARY KEY,
    url TEXT NOT NULL,
    fetched INTEGER NOT NULL,
    jwks TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE published_key (
    partner TEXT NOT NULL REFERENCES published (partner),
    thumbprint TEXT NOT NULL,
    seen INTEGER NOT NULL,
    released INTEGER,
    gone INTEGER,
    PRIMARY KEY (partner, thumbprint)
) STRICT, WITHOUT ROWID;
