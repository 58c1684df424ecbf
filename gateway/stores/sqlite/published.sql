-- published --
-- Every recipient's set as it was fetched last.
SELECT partner, url, fetched, jwks FROM published;

-- published_keys --
-- Since when each key is known.
SELECT partner, thumbprint, seen, released, gone FROM published_key;

-- put_published --
-- The set as it is now.
INSERT INTO published (partner, url, fetched, jwks) VALUES (?, ?, ?, ?)
ON CONFLICT (partner) DO UPDATE SET url = excluded.url, fetched = excluded.fetched,
    jwks = excluded.jwks;

-- drop_published_keys --
-- What was known of its keys is written anew.
DELETE FROM published_key WHERE partner = ?;

-- new_published_key --
-- One key.
INSERT INTO published_key (partner, thumbprint, seen, released, gone) VALUES (?, ?, ?, ?, ?);
