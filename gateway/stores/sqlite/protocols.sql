-- put_memory --
-- What the next steps need; not where the escrow is gone already.
UPDATE notice SET memory = ? WHERE id = ? AND wrapped IS NOT NULL;

-- expect_callback --
-- From here on this address is known.
INSERT INTO callback (mark, notice) VALUES (?, ?) ON CONFLICT (mark) DO NOTHING;

-- notice_called_back --
-- Which notice an address belongs to.
SELECT notice FROM callback WHERE mark = ?;

-- put_resolution --
-- What a person settled a notice on.
INSERT INTO resolution (notice, wrapped, sealed) VALUES (?, ?, ?) ON CONFLICT (notice) DO NOTHING;

-- resolution --
-- The same, to be read.
SELECT k.key, r.sealed FROM resolution r JOIN wrapped k ON k.no = r.wrapped WHERE r.notice = ?;

-- destroy_resolution_key --
-- It opens with nothing any more.
UPDATE wrapped SET key = zeroblob(length(key))
WHERE no = (SELECT wrapped FROM resolution WHERE notice = ?);

-- destroy_resolution --
-- And the rest of it.
DELETE FROM resolution WHERE notice = ?;
