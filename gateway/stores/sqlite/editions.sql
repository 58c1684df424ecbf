-- last_turn --
-- The edition that came into force last.
SELECT coalesce(max(turn), 0) FROM edition;

-- keep_edition --
-- An edition that is in force from now on. One that was before keeps its documents.
INSERT INTO edition (number, digest, published, effective, adopted_at, turn, widened, documents)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (number, digest) DO UPDATE SET turn = excluded.turn, widened = excluded.widened,
    published = excluded.published, effective = excluded.effective;

-- edition_in_force --
-- What came into force last.
SELECT number, digest, published, effective, adopted_at, widened, documents
FROM edition ORDER BY turn DESC LIMIT 1;

-- kept_edition --
-- The newest documents of one number.
SELECT number, digest, published, effective, adopted_at, widened, documents
FROM edition WHERE number = ? ORDER BY turn DESC LIMIT 1;

-- edition_numbers --
-- Which editions are kept, in the order in which they came into force.
SELECT number FROM edition GROUP BY number ORDER BY max(turn);

-- new_refusal --
-- Whose refusal it is; nobody's, where the person's row went meanwhile.
INSERT INTO refusal (seq, subject, ground, evidence)
VALUES (?, (SELECT no FROM subject WHERE no = ?), ?, ?);

-- erase_refusals --
-- Nothing links the leaf of a refusal to the person any more.
DELETE FROM refusal WHERE subject IN (SELECT no FROM subject WHERE person = ?);

-- count_past --
-- How many shares and refusals there are to go through.
SELECT (SELECT count(*) FROM share) + (SELECT count(*) FROM refusal);

-- people_after --
-- Some of the people who are not being erased, aliases one after another.
SELECT s.no, s.lookup, s.person, k.key, s.facts, p.epoch, p.erased
FROM subject s JOIN wrapped k ON k.no = s.wrapped JOIN person p ON p.no = s.person
WHERE (s.person, s.no) > (?, ?) AND p.erased = 0 ORDER BY s.person, s.no LIMIT ?;

-- past_shares_of --
-- What left, or may have, about one person.
SELECT sh.seq, e.leaf FROM share sh JOIN entry e ON e.seq = sh.seq
WHERE sh.subject = ? AND sh.seq > ? AND sh.kind <> 'declared' AND sh.outcome IS NOT 'not-sent'
ORDER BY sh.seq LIMIT ?;

-- past_shares_of_nobody --
-- What left, or may have, about nobody, or about somebody who was erased since.
SELECT sh.seq, e.leaf FROM share sh JOIN entry e ON e.seq = sh.seq
WHERE sh.subject IS NULL AND sh.seq > ? AND sh.kind <> 'declared'
    AND sh.outcome IS NOT 'not-sent'
ORDER BY sh.seq LIMIT ?;

-- past_refusals_of --
-- What was refused about one person.
SELECT r.seq, e.leaf, r.ground, r.evidence FROM refusal r JOIN entry e ON e.seq = r.seq
WHERE r.subject = ? AND r.seq > ? ORDER BY r.seq LIMIT ?;

-- past_refusals_of_nobody --
-- What was refused about somebody of whom nothing is stored.
SELECT r.seq, e.leaf, r.ground, r.evidence FROM refusal r JOIN entry e ON e.seq = r.seq
WHERE r.subject IS NULL AND r.seq > ? ORDER BY r.seq LIMIT ?;
