-- recipients_with_ends --
-- To whom anything has been shared whose time to look has come.
SELECT p.id FROM partner p WHERE EXISTS (
    SELECT 1 FROM share s WHERE s.partner = p.id AND s.ends <= ? AND s.outcome IS NOT NULL
);

-- people_with_ends --
-- About whom something was shared with a recipient whose time to look has come.
SELECT DISTINCT su.person
FROM share sh JOIN subject su ON su.no = sh.subject JOIN person p ON p.no = su.person
WHERE sh.partner = ? AND sh.ends <= ? AND sh.outcome IS NOT NULL AND p.erased = 0
LIMIT ?;

-- people_with_shares --
-- About whom a recipient has anything that it was not told to delete.
SELECT DISTINCT su.person
FROM share sh JOIN subject su ON su.no = sh.subject JOIN person p ON p.no = su.person
WHERE sh.partner = ? AND sh.ends IS NOT NULL AND p.erased = 0
LIMIT ?;

-- ending --
-- What a recipient has of one person and was not told to delete, over all aliases. The plus
-- keeps SQLite from reading everything that this recipient has.
SELECT sh.seq, sh.share, sh.subject, e.leaf, sh.outcome, sh.retention_until, sh.ends
FROM share sh JOIN entry e ON e.seq = sh.seq
WHERE +sh.partner = ? AND sh.ends IS NOT NULL
    AND sh.subject IN (SELECT no FROM subject WHERE person = ?)
ORDER BY sh.seq;

-- ending_references --
-- The recipient's own ids of these records.
SELECT r.share, r.subject, r.sealed
FROM reference r
WHERE r.subject IN (SELECT no FROM subject WHERE person = ?2) AND EXISTS (
    SELECT 1 FROM share sh WHERE sh.share = r.share AND +sh.partner = ?1 AND sh.ends IS NOT NULL
)
ORDER BY r.rowid;

-- look_again --
-- Not to be told before then.
UPDATE share SET ends = ? WHERE seq = ? AND ends IS NOT NULL;

-- end_share --
-- A case tells its recipient.
UPDATE share SET ends = NULL, told_by = ? WHERE seq = ? AND ends IS NOT NULL;

-- never_left --
-- Of what never left nothing is told.
UPDATE share SET ends = NULL WHERE seq = ?;

-- untried_notices --
-- How many notices are due to each recipient and were never tried.
SELECT partner, count(*) FROM notice INDEXED BY notice_due
WHERE next_at <= ? AND held = 0 AND attempts = 0 GROUP BY partner;
