-- epochs --
-- How many wrapped keys name each epoch; destroyed ones name none.
SELECT CASE substr(key, 1, 1) WHEN x'02' THEN substr(key, 2, 4) ELSE substr(key, 1, 1) END AS mark,
    count(*)
FROM wrapped GROUP BY mark HAVING mark <> x'00';

-- wrapped_under --
-- Some of the keys of an epoch.
SELECT no, key FROM wrapped
WHERE CASE substr(key, 1, 1) WHEN x'02' THEN substr(key, 2, 4) ELSE substr(key, 1, 1) END = ?
LIMIT ?;

-- subjects_at_home --
-- Keys of people that the first version wrapped, in the order of their marks.
SELECT k.no, k.key, s.lookup FROM subject s JOIN wrapped k ON k.no = s.wrapped
WHERE s.lookup > ? AND substr(k.key, 1, 1) = x'01' ORDER BY s.lookup LIMIT ?;

-- escrows_at_home --
-- The same of escrows.
SELECT k.no, k.key, CAST(n.id AS BLOB) FROM notice n JOIN wrapped k ON k.no = n.wrapped
WHERE n.id > CAST(? AS TEXT) AND substr(k.key, 1, 1) = x'01' ORDER BY n.id LIMIT ?;

-- cases_at_home --
-- The same of cases.
SELECT k.no, k.key, CAST(c.id AS BLOB) FROM cases c JOIN wrapped k ON k.no = c.wrapped
WHERE c.id > CAST(? AS TEXT) AND substr(k.key, 1, 1) = x'01' ORDER BY c.id LIMIT ?;

-- rewrap --
-- Another wrap in its place, of the same size; not where it was destroyed meanwhile.
UPDATE wrapped SET key = ? WHERE no = ? AND key = ?;

-- known_epochs --
-- Every epoch that there was.
SELECT number, fingerprint, due, destroyed FROM epoch ORDER BY number;

-- new_epoch --
-- Another one begins.
INSERT INTO epoch (number, fingerprint) VALUES (?, ?);

-- epochs_due --
-- When the keys of those before may go.
UPDATE epoch SET due = ? WHERE number < ? AND due IS NULL;

-- epochs_due_sooner --
-- The same, also of those that were to stay longer.
UPDATE epoch SET due = min(coalesce(due, ?1), ?1) WHERE number < ?2 AND destroyed = 0;

-- close_epoch --
-- Nothing is wrapped under it any more, nor will be.
UPDATE epoch SET closed = 1 WHERE number = ?;

-- end_epoch --
-- Its key is destroyed.
UPDATE epoch SET closed = 1, destroyed = 1 WHERE number = ?;

-- own_keys --
-- Signing keys that the ledger knows.
SELECT kid, retired FROM own_key;

-- put_own_key --
-- What it knows of one.
INSERT INTO own_key (kid, retired) VALUES (?, ?)
ON CONFLICT (kid) DO UPDATE SET retired = excluded.retired;

-- people_under --
-- People of whom a key is wrapped under an epoch.
SELECT DISTINCT s.person FROM wrapped k JOIN subject s ON s.wrapped = k.no
WHERE CASE substr(k.key, 1, 1) WHEN x'02' THEN substr(k.key, 2, 4) ELSE substr(k.key, 1, 1) END = ?;

-- escrows_under --
-- Notices whose escrow is.
SELECT n.id FROM wrapped k JOIN notice n ON n.wrapped = k.no
WHERE CASE substr(k.key, 1, 1) WHEN x'02' THEN substr(k.key, 2, 4) ELSE substr(k.key, 1, 1) END = ?;

-- lose_escrow --
-- Nobody can say any more what it was to say; a person settles it.
UPDATE notice SET wrapped = NULL, escrow = NULL, next_at = NULL, held = 0, resend_at = NULL,
    reason = CASE settled WHEN 1 THEN reason ELSE 'manual' END
WHERE id = ?;

-- lose_details --
-- What a case needed for its plan.
UPDATE cases SET wrapped = NULL, sealed = NULL WHERE wrapped IN (SELECT no FROM wrapped k
WHERE CASE substr(k.key, 1, 1) WHEN x'02' THEN substr(k.key, 2, 4) ELSE substr(k.key, 1, 1) END = ?);

-- lose_resolutions --
-- And what a person settled a notice on.
DELETE FROM resolution WHERE wrapped IN (SELECT no FROM wrapped k
WHERE CASE substr(k.key, 1, 1) WHEN x'02' THEN substr(k.key, 2, 4) ELSE substr(k.key, 1, 1) END = ?);

-- destroy_under --
-- Whatever else names the epoch.
UPDATE wrapped SET key = zeroblob(length(key))
WHERE CASE substr(key, 1, 1) WHEN x'02' THEN substr(key, 2, 4) ELSE substr(key, 1, 1) END = ?;
