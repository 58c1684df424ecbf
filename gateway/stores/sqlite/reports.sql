-- new_read --
-- Whose records were read; somebody of whom nothing is stored stands for nobody.
INSERT INTO read_of (seq, subject) VALUES (?, (SELECT no FROM subject WHERE lookup = ?));

-- erase_reads --
-- Nothing links a read to the person any more.
UPDATE read_of SET subject = NULL WHERE subject IN (SELECT no FROM subject WHERE person = ?);

-- last_subject --
-- The highest number of a person's row.
SELECT coalesce(max(no), 0) FROM subject;

-- shares_of_people --
-- What one recipient, or any, got or may have got, by person and in order, from a place on.
SELECT sh.subject, sh.seq, e.leaf, sh.outcome, sh.untold
FROM share sh INDEXED BY share_of_subject JOIN entry e ON e.seq = sh.seq
WHERE (sh.subject, sh.seq) > (?1, ?2) AND sh.subject <= ?3 AND sh.partner = coalesce(?4, sh.partner)
    AND sh.outcome IS NOT 'not-sent'
ORDER BY sh.subject, sh.seq LIMIT ?5;

-- shares_of_nobody --
-- The same of people who were erased since, and what was about nobody.
SELECT NULL, sh.seq, e.leaf, sh.outcome, sh.untold
FROM share sh JOIN entry e ON e.seq = sh.seq
WHERE sh.seq > ? AND sh.seq <= ? AND sh.subject IS NULL AND sh.partner = coalesce(?, sh.partner)
    AND sh.outcome IS NOT 'not-sent'
ORDER BY sh.seq;

-- subjects_by_no --
-- People's rows by their numbers, in a JSON array.
SELECT s.no, s.lookup, s.person, k.key, s.facts, p.epoch, p.erased
FROM subject s JOIN wrapped k ON k.no = s.wrapped JOIN person p ON p.no = s.person
WHERE s.no IN (SELECT value FROM json_each(?)) ORDER BY s.no;

-- consented --
-- The next people with consents who are not being erased.
SELECT s.no, s.lookup, s.person, k.key, s.facts, p.epoch, p.erased
FROM subject s JOIN wrapped k ON k.no = s.wrapped JOIN person p ON p.no = s.person
WHERE s.no > ? AND p.erased = 0 AND EXISTS (SELECT 1 FROM consent c WHERE c.subject = s.no)
ORDER BY s.no LIMIT ?;

-- consents_of --
-- Their consents.
SELECT id, subject, sealed FROM consent WHERE subject IN (SELECT value FROM json_each(?));

-- count_shares --
-- Shares of a stretch of the ledger, by what they were for.
SELECT sh.partner, json_extract(e.leaf, '$.purpose'), coalesce(sh.outcome, 'open'), sh.untold,
    json_extract(e.leaf, '$.categories'), count(*)
FROM share sh JOIN entry e ON e.seq = sh.seq
WHERE sh.seq > ?1 AND sh.seq <= ?2
    AND coalesce(json_extract(e.leaf, '$.disclosed_at'), json_extract(e.leaf, '$.at')) >= ?3
    AND coalesce(json_extract(e.leaf, '$.disclosed_at'), json_extract(e.leaf, '$.at')) < ?4
GROUP BY 1, 2, 3, 4, 5;

-- count_refusals --
-- Refusals of a stretch of the ledger, of shares with these recipients.
SELECT json_extract(leaf, '$.partner'), json_extract(leaf, '$.purpose'),
    json_extract(leaf, '$.code'), count(*)
FROM entry
WHERE seq > ?1 AND seq <= ?2 AND leaf LIKE '%"kind":"refusal"%'
    AND json_extract(leaf, '$.kind') = 'refusal'
    AND json_extract(leaf, '$.partner') IN (SELECT value FROM json_each(?5))
    AND json_extract(leaf, '$.at') >= ?3 AND json_extract(leaf, '$.at') < ?4
GROUP BY 1, 2, 3;

-- exempt_notices --
-- How many notices each recipient was not sent, for a reason, in cases of a time.
SELECT n.partner, count(*) FROM notice n JOIN cases c ON c.id = n.case_id
WHERE n.state = 'exempt' AND n.reason = ? AND c.accepted_at >= ? AND c.accepted_at < ?
GROUP BY n.partner;

-- evidence_after --
-- The next registered records.
SELECT id, partner, any_subject, sealed FROM evidence WHERE id > ? ORDER BY id LIMIT ?;

-- read_hours --
-- Reads by who, what and hour, since the beginning.
SELECT service, actor, substr(at, 1, 13), record, count(*) FROM read_said
WHERE at < ? GROUP BY 1, 2, 3, 4;

-- read_spread --
-- How many people each reader read just so often.
SELECT service, actor, reads, count(*) FROM (
    SELECT service, actor, count(*) AS reads FROM read_said
    WHERE subject IS NOT NULL AND at >= ? AND at < ? GROUP BY service, actor, subject
) GROUP BY 1, 2, 3;

-- reads_of_people --
-- The people whom one reader read most often.
SELECT service, actor, subject, count(*), max(at) FROM read_said
WHERE subject IS NOT NULL AND at >= ? AND at < ?
GROUP BY service, actor, subject ORDER BY 4 DESC, 5 DESC, 3 LIMIT ?;

-- readers_of_people --
-- The people whom more than so many read.
SELECT subject, count(DISTINCT service || char(10) || coalesce(actor, '')), count(*)
FROM read_said WHERE subject IS NOT NULL AND at >= ? AND at < ?
GROUP BY subject HAVING count(DISTINCT service || char(10) || coalesce(actor, '')) > ?
ORDER BY 2 DESC, 3 DESC, 1 LIMIT ?;
