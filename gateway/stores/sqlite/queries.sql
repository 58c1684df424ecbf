-- append --
-- One leaf, at the end.
INSERT INTO entry (leaf) VALUES (?);

-- partner_epoch --
-- What an intent's decision on the partner must still rest on; `*` is everybody (the kill switch).
SELECT coalesce(sum(epoch), 0) FROM partner WHERE id IN (?, '*');

-- subject_for_intent --
-- Is this still the person that the decision was about?
SELECT s.no, k.key, s.person, p.epoch, p.erased
FROM subject s JOIN wrapped k ON k.no = s.wrapped JOIN person p ON p.no = s.person
WHERE s.lookup = ?;

-- tombstone --
-- Is this person kept out?
SELECT 1 FROM tombstone WHERE mark = ?;

-- live_tombstone --
-- Is this person kept out in this month?
SELECT 1 FROM tombstone WHERE mark = ? AND expires >= ?;

-- new_person --
-- A group of aliases, of one so far.
INSERT INTO person (epoch) VALUES (0);

-- new_key --
-- A wrapped key, in a place that it never leaves; none under an epoch that is closed.
INSERT INTO wrapped (key)
SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM epoch WHERE number = ?2 AND closed = 1);

-- new_subject --
-- A person's row.
INSERT INTO subject (lookup, person, wrapped, facts) VALUES (?, ?, ?, ?);

-- new_share --
-- The erasable index of an intent.
INSERT INTO share (seq, share, kind, partner, subject, outcome, retention_until, untold, ends)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- new_idempotency --
-- A request that must have one outcome. One that has run out makes room, and one whose share
-- was given up before anything left, and the same share decided again. Another holds the key,
-- and no row is changed.
INSERT INTO idempotency (key, fingerprint, share, subject, expires) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET
    fingerprint = excluded.fingerprint, share = excluded.share, subject = excluded.subject,
    expires = excluded.expires, answer = NULL
WHERE expires <= ? OR share = excluded.share OR answer IS NULL AND NOT coalesce(
    (SELECT max(s.outcome IS NOT 'not-sent') FROM share s WHERE s.share = idempotency.share), 1);

-- settle_share --
-- What became of an open intent.
UPDATE share SET outcome = ? WHERE seq = ? AND outcome IS NULL;

-- settle_idempotency --
-- The answer that a repeat gets.
UPDATE idempotency SET answer = ? WHERE key = ? AND share = ?;

-- new_reference --
-- The partner's own id of a record.
INSERT INTO reference (share, subject, sealed)
SELECT ?, no, ? FROM subject WHERE no = ?;

-- idempotency --
-- What is known of a key. One whose share was given up before anything left, without an
-- answer, is as good as new.
SELECT fingerprint, share, subject, answer FROM idempotency
WHERE key = ? AND expires > ? AND (answer IS NOT NULL OR coalesce(
    (SELECT max(s.outcome IS NOT 'not-sent') FROM share s WHERE s.share = idempotency.share), 1));

-- forget_idempotency --
-- Keys that have run out, some at a time.
DELETE FROM idempotency WHERE key IN
    (SELECT key FROM idempotency WHERE expires <= ? LIMIT 500);

-- open_shares --
-- Intents without outcome, one row each.
SELECT seq, share, partner FROM share WHERE outcome IS NULL ORDER BY seq;

-- count_open --
-- How many intents have no outcome.
SELECT count(*) FROM share WHERE outcome IS NULL;

-- outcomes --
-- What became of each intent of a share.
SELECT outcome FROM share WHERE share = ? ORDER BY seq;

-- head --
-- The newest checkpoint.
SELECT size, root, note FROM checkpoint WHERE one = 1;

-- size --
-- How many leaves there are; seq has no gaps.
SELECT coalesce(max(seq), 0) FROM entry;

-- leaves --
-- Leaves from an index on, as bytes: what the disk made of one may be no text any more.
SELECT CAST(leaf AS BLOB) FROM entry WHERE seq > ? ORDER BY seq LIMIT ?;

-- tile --
-- One tile.
SELECT hashes FROM tile WHERE level = ? AND n = ?;

-- put_tile --
-- A new or grown tile.
INSERT INTO tile (level, n, hashes) VALUES (?, ?, ?)
ON CONFLICT (level, n) DO UPDATE SET hashes = excluded.hashes;

-- put_head --
-- The newest checkpoint.
INSERT INTO checkpoint (one, size, root, note) VALUES (1, ?, ?, ?)
ON CONFLICT (one) DO UPDATE SET size = excluded.size, root = excluded.root, note = excluded.note;

-- find_share --
-- Where a share's intents are.
SELECT seq FROM share WHERE share = ? ORDER BY seq;

-- subject --
-- One person's row.
SELECT s.no, s.lookup, s.person, k.key, s.facts, p.epoch, p.erased
FROM subject s JOIN wrapped k ON k.no = s.wrapped JOIN person p ON p.no = s.person
WHERE s.lookup = ?;

-- subjects_by_mark --
-- Many people's rows, by their marks of 32 bytes each, one behind the other.
WITH RECURSIVE place (i) AS (SELECT 0 WHERE ?2 > 0 UNION ALL SELECT i + 1 FROM place WHERE i + 1 < ?2)
SELECT s.no, s.lookup, s.person, k.key, s.facts, p.epoch, p.erased
FROM place CROSS JOIN subject s ON s.lookup = substr(?1, 1 + 32 * i, 32)
    JOIN wrapped k ON k.no = s.wrapped JOIN person p ON p.no = s.person;

-- tombstones_by_mark --
-- Which of many marks, as above, are tombstones.
WITH RECURSIVE place (i) AS (SELECT 0 WHERE ?2 > 0 UNION ALL SELECT i + 1 FROM place WHERE i + 1 < ?2)
SELECT t.mark FROM place CROSS JOIN tombstone t ON t.mark = substr(?1, 1 + 32 * i, 32);

-- subject_by_no --
-- One person's row, by number.
SELECT s.no, s.lookup, s.person, k.key, s.facts, p.epoch, p.erased
FROM subject s JOIN wrapped k ON k.no = s.wrapped JOIN person p ON p.no = s.person
WHERE s.no = ?;

-- aliases --
-- All rows of one person.
SELECT s.no, s.lookup, s.person, k.key, s.facts, p.epoch, p.erased
FROM subject s JOIN wrapped k ON k.no = s.wrapped JOIN person p ON p.no = s.person
WHERE s.person = ? ORDER BY s.no;

-- consents --
-- All consents of one subject.
SELECT id, subject, sealed FROM consent WHERE subject = ?;

-- consent --
-- One consent.
SELECT id, subject, sealed FROM consent WHERE id = ?;

-- put_consent --
-- A new or changed consent.
INSERT INTO consent (id, subject, sealed) VALUES (?, ?, ?)
ON CONFLICT (id) DO UPDATE SET sealed = excluded.sealed;

-- fences --
-- All fences of one person.
SELECT case_id, person, sealed FROM fence WHERE person = ?;

-- raise_epoch --
-- Something about this person changed: shares decided before are decided again.
UPDATE person SET epoch = epoch + 1 WHERE no = ?;

-- put_facts --
-- What is known of this person now.
UPDATE subject SET facts = ? WHERE no = ?;

-- join_person --
-- These rows are one person from now on.
UPDATE subject SET person = ? WHERE person = ?;

-- join_epoch --
-- A joined person's epoch is above both.
UPDATE person SET epoch = 1 + (SELECT max(epoch) FROM person WHERE no IN (?, ?)),
    erased = (SELECT max(erased) FROM person WHERE no IN (?, ?))
WHERE no = ?;

-- join_fences --
-- Fences follow the person.
UPDATE OR IGNORE fence SET person = ? WHERE person = ?;

-- drop_joined_fences --
-- A case that fenced both has its fence already.
DELETE FROM fence WHERE person = ?;

-- join_cases --
-- Cases follow the person.
UPDATE cases SET person = ? WHERE person = ?;

-- join_notices --
-- What waits behind the shares of this person goes on waiting.
UPDATE notice SET person = ? WHERE person = ?;

-- drop_person --
-- A person without rows.
DELETE FROM person WHERE no = ?;

-- disclosures --
-- The account of one person, over all aliases: what follows on a place, the places as one text
-- and the leaves as another. So all is read in one step, in which the interpreter is free.
SELECT group_concat(seq), group_concat(leaf, char(10)) FROM (
    SELECT e.seq, e.leaf FROM (
        SELECT seq FROM share INDEXED BY share_of_subject
        WHERE subject IN (SELECT no FROM subject WHERE person = ?) AND seq > ?
        ORDER BY seq LIMIT ?
    ) page CROSS JOIN entry e ON e.seq = page.seq
    ORDER BY page.seq
);

-- disclosed_otherwise --
-- Which of these were not simply delivered.
SELECT seq, outcome, untold FROM share INDEXED BY share_otherwise
WHERE subject IN (SELECT no FROM subject WHERE person = ?)
    AND (outcome IS NOT 'delivered' OR untold <> 0);

-- put_evidence --
-- A registered record.
INSERT INTO evidence (id, partner, any_subject, sealed) VALUES (?, ?, ?, ?);

-- put_evidence_subject --
-- Whom it is about.
INSERT INTO evidence_subject (evidence, lookup) VALUES (?, ?);

-- evidence --
-- A registered record.
SELECT id, partner, any_subject, sealed FROM evidence WHERE id = ?;

-- evidence_subjects --
-- Whom it is about.
SELECT lookup FROM evidence_subject WHERE evidence = ? ORDER BY lookup;

-- enqueue --
-- A share to be sent later.
INSERT INTO queued (share, partner, subject, owner, state, due, expires, sealed)
VALUES (?, ?, ?, ?, 'queued', ?, ?, ?);

-- queued --
-- How it stands.
SELECT share, partner, subject, owner, state, due, expires, attempts, sealed, status, code
FROM queued WHERE share = ?;

-- due --
-- What is due, earliest first, so many for each partner, those included that are claimed.
SELECT share, partner, subject, owner, state, due, expires, attempts, sealed, status, code FROM (
    SELECT *, row_number() OVER (PARTITION BY partner ORDER BY claimed DESC, due) AS place
    FROM queued WHERE state = 'queued' AND (
        claimed = 1 OR (due <= ? AND partner NOT IN (SELECT value FROM json_each(?)))
    )
) WHERE claimed = 0 AND place <= ? ORDER BY due LIMIT ?;

-- queue_state --
-- How many wait, and since when the first is due.
SELECT count(*), min(due) FROM queued WHERE state = 'queued';

-- claim --
-- Somebody works on it.
UPDATE queued SET claimed = 1 WHERE share = ?;

-- requeue --
-- Another time.
UPDATE queued SET claimed = 0, due = ?, attempts = ? WHERE share = ? AND state = 'queued';

-- finish --
-- It has ended; its payload goes.
UPDATE queued SET state = ?, status = ?, code = ?, sealed = NULL, claimed = 0 WHERE share = ?;

-- forget_finished --
-- Ended shares whose time is over, some at a time.
DELETE FROM queued WHERE share IN
    (SELECT share FROM queued WHERE state <> 'queued' AND expires <= ? LIMIT 500);

-- free_claims --
-- After a crash nobody works on anything.
UPDATE queued SET claimed = 0 WHERE claimed = 1;

-- partner_states --
-- What operators said.
SELECT id, suspended, epoch, digest, snapshot FROM partner;

-- put_partner --
-- What an operator said.
INSERT INTO partner (id, suspended, epoch, digest, snapshot) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET suspended = excluded.suspended, epoch = excluded.epoch,
    digest = excluded.digest, snapshot = excluded.snapshot;
