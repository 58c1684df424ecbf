-- pruning --
-- How far pruning is.
SELECT upto, unsaid, pruned FROM pruning WHERE one = 1;

-- put_pruning --
-- How far it is now.
INSERT INTO pruning (one, upto, unsaid, pruned) VALUES (1, ?, ?, ?)
ON CONFLICT (one) DO UPDATE SET upto = excluded.upto, unsaid = excluded.unsaid,
    pruned = excluded.pruned;

-- prune_again --
-- Leaves that were needed, and whose time to be looked at has come.
SELECT e.seq, CAST(e.leaf AS BLOB) FROM kept_back k JOIN entry e ON e.seq = k.seq
WHERE k.look <= ? AND k.seq > ? ORDER BY k.seq LIMIT ?;

-- prune_next --
-- The next leaves that nobody looked at, as far as the checkpoint covers them.
SELECT seq, CAST(leaf AS BLOB) FROM entry
WHERE seq > ? AND seq <= (SELECT coalesce(max(size), 0) FROM checkpoint)
ORDER BY seq LIMIT ?;

-- leaf_in_tile --
-- The hash of a leaf as the tree has it.
SELECT substr(hashes, 1 + 32 * ?2, 32) FROM tile WHERE level = 0 AND n = ?1;

-- replace_leaf --
-- The hash stands in place of the leaf, in the very bytes that it had.
UPDATE entry SET leaf = ? WHERE seq = ?;

-- prunable_shares --
-- How the attempts at a share stand.
SELECT json_extract(e.leaf, '$.at'), sh.retention_until,
    sh.outcome IS NULL OR sh.ends IS NOT NULL
    OR EXISTS (SELECT 1 FROM token t WHERE t.share = sh.share AND t.sealed <> x'')
    OR EXISTS (SELECT 1 FROM queued q WHERE q.share = sh.share AND q.state = 'queued')
    OR EXISTS (SELECT 1 FROM cases c WHERE c.id = sh.told_by AND c.state = 'open')
    OR EXISTS (
        SELECT 1 FROM subject s JOIN cases c ON c.person = s.person
        WHERE s.no = sh.subject AND (c.state = 'open' OR c.stage <> 'finished')
    )
    OR EXISTS (
        SELECT 1 FROM subject s JOIN fence f ON f.person = s.person JOIN cases c ON c.id = f.case_id
        WHERE s.no = sh.subject AND c.action = 'restrict'
    )
FROM share sh JOIN entry e ON e.seq = sh.seq WHERE sh.share = ?;

-- prunable_case --
-- Whether a case is open, or a fence of it stands.
SELECT c.state = 'open' OR c.stage <> 'finished'
    OR EXISTS (SELECT 1 FROM fence f WHERE f.case_id = c.id)
FROM cases c WHERE c.id = ?;

-- case_of_notice --
-- The case that a notice is of.
SELECT case_id FROM notice WHERE id = ?;

-- attempt_at --
-- The share whose attempt a leaf is, and whose it is.
SELECT share, subject FROM share WHERE seq = ?;

-- forget_attempt --
-- With the leaf goes its index.
DELETE FROM share WHERE seq = ?;

-- forget_references --
-- With the last attempt goes what its recipient calls the record.
DELETE FROM reference WHERE share = ?1 AND subject = ?2 AND NOT EXISTS (
    SELECT 1 FROM share s WHERE s.share = ?1 AND s.subject = ?2
);

-- forget_refusal --
-- With the leaf goes its index.
DELETE FROM refusal WHERE seq = ?;

-- forget_read --
-- With the leaf goes its index.
DELETE FROM read_of WHERE seq = ?;

-- keep_back --
-- It is still needed.
INSERT INTO kept_back (seq, look) VALUES (?, ?)
ON CONFLICT (seq) DO UPDATE SET look = excluded.look;

-- not_kept_back --
-- It is pruned by now.
DELETE FROM kept_back WHERE seq = ?;

-- new_loose --
-- A stretch was looked at as a whole.
INSERT OR IGNORE INTO loose (stretch, upto) VALUES (?, ?);

-- next_loose --
-- A stretch with nothing in it or near it that is needed and goes later.
SELECT l.stretch, l.upto FROM loose l
WHERE (l.stretch + 1) * ?1 + ?2 <= (SELECT upto FROM pruning WHERE one = 1) AND NOT EXISTS (
    SELECT 1 FROM kept_back k
    WHERE k.seq > l.stretch * ?1 - ?2 AND k.seq <= (l.stretch + 1) * ?1 + ?2
)
LIMIT 1;

-- wide_leaves --
-- Pruned leaves that take more room than they need.
SELECT seq, rtrim(leaf) FROM entry WHERE seq > ? AND seq <= ? AND substr(leaf, -1) = ' ';

-- take_leaf --
-- A row that only becomes smaller leaves its page as empty as it is; one that goes, and
-- comes again, lets SQLite join pages.
DELETE FROM entry WHERE seq = ?;

-- put_leaf --
-- Where it was.
INSERT INTO entry (seq, leaf) VALUES (?, ?);

-- tightened --
-- So far they do.
UPDATE loose SET upto = ? WHERE stretch = ?;

-- tight --
-- The whole stretch does.
DELETE FROM loose WHERE stretch = ?;

-- tighten_all --
-- Every pruned leaf takes the room that it needs.
UPDATE entry SET leaf = rtrim(leaf) WHERE substr(leaf, -1) = ' ';

-- all_tight --
-- Every stretch does.
DELETE FROM loose;
