-- replay_state --
-- The last replay of a bundle.
SELECT start, size, note, done, untried FROM replay WHERE one = 1;

-- begin_replay --
-- From now on not to be served.
INSERT INTO replay (one, start, size, note, done) VALUES (1, ?, ?, ?, 0)
ON CONFLICT (one) DO UPDATE SET start = excluded.start, size = excluded.size,
    note = excluded.note, done = 0, untried = 0;

-- end_replay --
-- All of it is done, but for shares that not everybody's key was tried on.
UPDATE replay SET done = 1, untried = ? WHERE one = 1;

-- past_share --
-- A share that left after the copy was made; nobody's yet.
INSERT INTO share (seq, share, kind, partner, subject, outcome, retention_until, untold, ends)
VALUES (?, ?, ?, ?, NULL, ?, ?, 0, NULL);

-- first_open --
-- The intent that an outcome of the past settles.
SELECT seq FROM share WHERE share = ? AND partner = ? AND outcome IS NULL ORDER BY seq LIMIT 1;

-- past_read --
-- A read after the copy was made; nobody's.
INSERT INTO read_of (seq, subject) VALUES (?, NULL);

-- past_mass_step --
-- What happened to a mass case after the copy was made.
INSERT INTO mass_step (mass, seq, event, at, actor)
SELECT no, ?, ?, ?, ? FROM mass_case WHERE id = ?;

-- past_case_of_mass --
-- A case of it, if the mass case is of before.
UPDATE cases SET mass = m.no FROM mass_case m WHERE m.id = ? AND cases.id = ?;

-- past_notices_of_mass --
-- And its notices.
UPDATE notice SET mass = (SELECT mass FROM cases WHERE id = notice.case_id) WHERE case_id = ?;

-- past_mass_opened --
-- One more was opened.
UPDATE mass_case SET opened = opened + 1 WHERE no = (SELECT mass FROM cases WHERE id = ?);

-- erase_mass_place --
-- And its person waits no longer.
DELETE FROM mass_person WHERE mass = (SELECT mass FROM cases WHERE id = ?) AND person = ?;

-- rows_from --
-- The next people's rows, the erased included.
SELECT s.no, s.lookup, s.person, k.key, s.facts, p.epoch, p.erased
FROM subject s JOIN wrapped k ON k.no = s.wrapped JOIN person p ON p.no = s.person
WHERE s.no > ? ORDER BY s.no LIMIT ?;

-- sharers --
-- Whose shares stand before a place, the latest first.
SELECT seq, subject FROM share WHERE seq < ? AND subject IS NOT NULL ORDER BY seq DESC LIMIT ?;

-- unowned_shares --
-- Shares of a stretch that are nobody's, while their leaf is about somebody.
SELECT sh.seq, CAST(e.leaf AS BLOB) FROM share sh JOIN entry e ON e.seq = sh.seq
WHERE sh.seq > max(?, ?) AND sh.seq <= ? AND sh.subject IS NULL
    AND json_extract(e.leaf, '$.subject') IS NOT NULL
ORDER BY sh.seq LIMIT ?;

-- own_share --
-- Whose it is. What never left has no end.
UPDATE share SET subject = ?, untold = ?, ends = CASE
    WHEN outcome = 'not-sent' THEN NULL WHEN ? THEN retention_until ELSE ? END
WHERE seq = ? AND subject IS NULL;

-- adopt_case --
-- A case of the past, with its notices.
INSERT INTO cases (id, action, state, reason, scope, accepted_at, deadline, closed_at,
    subject_hash, whole, stage, person, wrapped, sealed)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'told', ?, ?, ?);

-- note_past --
-- How a case stood in the end.
UPDATE cases SET state = ?, closed_at = ?, ground = ? WHERE id = ? AND state = 'open';

-- drop_ended_fences --
-- The fence of a case that ended, unless it lasts until somebody lifts it, or a newer consent.
DELETE FROM fence WHERE case_id = (SELECT id FROM cases WHERE id = ?
    AND (state = 'refused' OR (action <> 'restrict' AND reason <> 'consent-withdrawn')));

-- raise_epoch_of_case --
-- Whoever holds a person of this fence looks again.
UPDATE person SET epoch = epoch + 1 WHERE no IN (SELECT person FROM fence WHERE case_id = ?);
