-- case_idempotency --
-- The answer that a repeat of the request gets.
UPDATE idempotency SET answer = ? WHERE key = ?;

-- erase_person --
-- The lasting fence: nothing of this person enters the ledger as an intent any more.
UPDATE person SET erased = 1, epoch = epoch + 1 WHERE no = ?;

-- new_tombstone --
-- What keeps an erased person out.
INSERT INTO tombstone (mark, expires) VALUES (?, ?)
ON CONFLICT (mark) DO UPDATE SET expires = max(expires, excluded.expires);

-- tombstones_before --
-- Those before a mark, nearest first.
SELECT mark, expires FROM tombstone WHERE mark < ? ORDER BY mark DESC LIMIT ?;

-- tombstones_from --
-- A mark and those behind it.
SELECT mark, expires FROM tombstone WHERE mark >= ? ORDER BY mark LIMIT ?;

-- drop_tombstone --
-- To be written anew.
DELETE FROM tombstone WHERE mark = ?;

-- forget_tombstones --
-- Tombstones whose last month is over.
DELETE FROM tombstone WHERE expires < ?;

-- put_fence --
-- A fence that lasts while its case is open.
INSERT INTO fence (case_id, person, sealed) VALUES (?, ?, ?);

-- drop_fences --
-- A case is over, and so is its fence.
DELETE FROM fence WHERE case_id = ?;

-- new_case --
-- A request was accepted.
INSERT INTO cases (id, action, state, reason, scope, accepted_at, deadline, subject_hash, whole,
    stage, person, wrapped, sealed)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'planning', ?, ?, ?);

-- case_row --
-- One case.
SELECT c.id, c.action, c.state, c.reason, c.scope, c.accepted_at, c.deadline, c.closed_at,
    c.subject_hash, c.whole, c.stage, c.person, k.key, c.sealed
FROM cases c LEFT JOIN wrapped k ON k.no = c.wrapped WHERE c.id = ?;

-- unfinished_cases --
-- Cases whose plan or whose keys are not done with.
SELECT c.id, c.action, c.state, c.reason, c.scope, c.accepted_at, c.deadline, c.closed_at,
    c.subject_hash, c.whole, c.stage, c.person, k.key, c.sealed
FROM cases c LEFT JOIN wrapped k ON k.no = c.wrapped
WHERE c.stage <> 'finished' ORDER BY c.accepted_at;

-- list_cases --
-- Cases, due first.
SELECT id, action, state, reason, scope, accepted_at, deadline, closed_at, subject_hash, whole,
    stage, person
FROM cases
WHERE (:state IS NULL OR state = :state)
    AND (:before IS NULL OR deadline < :before)
    AND (:partner IS NULL OR id IN (SELECT case_id FROM notice WHERE partner = :partner))
ORDER BY deadline, id LIMIT :limit;

-- open_case_of --
-- The case that is erasing this person.
SELECT id FROM cases WHERE person = ? AND whole = 1 AND stage <> 'finished' LIMIT 1;

-- stage_case --
-- How far a case is.
UPDATE cases SET stage = ? WHERE id = ?;

-- destroy_details --
-- What the plan needed goes: the key, which then opens nothing any more.
UPDATE wrapped SET key = zeroblob(length(key)) WHERE no = (SELECT wrapped FROM cases WHERE id = ?);

-- finish_case --
-- And the rest of it; and the person, where it was the whole one.
UPDATE cases SET person = CASE whole WHEN 1 THEN NULL ELSE person END, wrapped = NULL,
    sealed = NULL, stage = 'finished'
WHERE id = ?;

-- close_case --
-- Every notice is settled.
UPDATE cases SET state = 'closed', closed_at = ? WHERE id = ? AND state = 'open';

-- unsettled_of_case --
-- Whether anything is left to be settled.
SELECT count(*) FROM notice WHERE case_id = ? AND settled = 0;

-- held_of_case --
-- Whether a notice still waits behind a share.
SELECT count(*) FROM notice WHERE case_id = ? AND held = 1;

-- waiting_of_person --
-- Whether any case still needs the person: a notice waits behind a share, or is not planned yet.
SELECT (SELECT count(*) FROM notice WHERE held = 1 AND person = ?1)
    + (SELECT count(*) FROM cases WHERE stage = 'planning' AND person = ?1);

-- new_notice --
-- One message to one recipient.
INSERT INTO notice (id, case_id, place, partner, state, reason, deadline, next_at, settled, held,
    resend_at, person, wrapped, escrow, since, acknowledge_by, look_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- count_notices --
-- How many messages a case has.
SELECT count(*) FROM notice WHERE case_id = ?;

-- notices_of_case --
-- All messages of a case.
SELECT id, case_id, partner, state, reason, deadline, backups_until, attempts, next_at, proof,
    settled, held, resend_at, since, acknowledge_by, look_at, reached_at, acknowledged_at, done_at,
    escalated_at, not_before, reminders
FROM notice WHERE case_id = ? ORDER BY place;

-- notice --
-- One message.
SELECT id, case_id, partner, state, reason, deadline, backups_until, attempts, next_at, proof,
    settled, held, resend_at, since, acknowledge_by, look_at, reached_at, acknowledged_at, done_at,
    escalated_at, not_before, reminders
FROM notice WHERE id = ?;

-- put_notice --
-- How a message stands now.
UPDATE notice SET state = ?, reason = ?, backups_until = ?, attempts = ?, next_at = ?, proof = ?,
    settled = ?, held = ?, resend_at = ?, since = ?, acknowledge_by = ?, look_at = ?,
    reached_at = ?, acknowledged_at = ?, done_at = ?, escalated_at = ?, not_before = ?,
    reminders = ?, claimed = 0
WHERE id = ?;

-- put_notice_claimed --
-- How a message stands now, while somebody is sending it.
UPDATE notice SET state = ?, reason = ?, backups_until = ?, attempts = ?, next_at = ?, proof = ?,
    settled = ?, held = ?, resend_at = ?, since = ?, acknowledge_by = ?, look_at = ?,
    reached_at = ?, acknowledged_at = ?, done_at = ?, escalated_at = ?, not_before = ?,
    reminders = ?
WHERE id = ?;

-- claim_notice --
-- Somebody sends it. The try counts from here: its answer may overtake its end.
UPDATE notice SET claimed = 1, attempts = attempts + 1 WHERE id = ?;

-- free_notices --
-- After a crash nobody sends anything.
UPDATE notice SET claimed = 0 WHERE claimed = 1;

-- next_notice_at --
-- When the next one is due.
SELECT min(next_at) FROM notice WHERE next_at IS NOT NULL AND held = 0 AND claimed = 0;

-- looked_at_notices --
-- Unsettled ones whose deadline has come, or whose backups' day or time is over.
SELECT id FROM notice INDEXED BY notice_unsettled
WHERE settled = 0 AND deadline <= ?
    AND state IN ('queued', 'sent', 'acknowledged', 'in-progress', 'partial')
UNION ALL
SELECT id FROM notice INDEXED BY notice_backups
WHERE settled = 0 AND state = 'completed'
    AND (backups_until IS NULL OR backups_until < ?
        OR (length(backups_until) > 10 AND backups_until <= ?)) AND resend_at IS NULL
LIMIT 500;

-- escrow --
-- What a message says of the person.
SELECT k.key, n.escrow FROM notice n JOIN wrapped k ON k.no = n.wrapped WHERE n.id = ?;

-- told --
-- What a notice is told with.
SELECT c.action, c.accepted_at, k.key, n.escrow, n.memory
FROM notice n JOIN cases c ON c.id = n.case_id LEFT JOIN wrapped k ON k.no = n.wrapped
WHERE n.id = ?;

-- put_escrow --
-- More to say.
UPDATE notice SET escrow = ? WHERE id = ?;

-- destroy_escrow_key --
-- Its recipient has settled: what it says opens with nothing any more.
UPDATE wrapped SET key = zeroblob(length(key)) WHERE no = (SELECT wrapped FROM notice WHERE id = ?);

-- destroy_escrow --
-- And the rest of it. Nothing is to be told, so nothing waits.
UPDATE notice SET wrapped = NULL, escrow = NULL, memory = NULL, next_at = NULL, held = 0
WHERE id = ?;

-- released --
-- Messages that waited behind shares which have ended.
SELECT n.id, n.case_id, n.partner, n.state, n.reason, n.deadline, n.backups_until, n.attempts,
    n.next_at, n.proof, n.settled, n.held, n.resend_at, n.since, n.acknowledge_by, n.look_at,
    n.reached_at, n.acknowledged_at, n.done_at, n.escalated_at, n.not_before, n.reminders
FROM notice n INDEXED BY notice_held WHERE n.held = 1 AND NOT EXISTS (
    SELECT 1 FROM share s WHERE s.partner = n.partner AND s.outcome IS NULL
        AND s.subject IN (SELECT no FROM subject WHERE person = n.person)
)
ORDER BY n.case_id, n.place;

-- release --
-- It waits no longer.
UPDATE notice SET held = 0, next_at = ?, resend_at = ? WHERE id = ?;

-- open_of_person --
-- Shares of a person that are in flight.
SELECT count(*) FROM share WHERE outcome IS NULL
    AND subject IN (SELECT no FROM subject WHERE person = ?);

-- plan_rows --
-- Every disclosure of a person, over all aliases.
SELECT sh.share, sh.subject, e.leaf, sh.outcome, sh.untold, sh.told_by, sh.ends IS NOT NULL
FROM share sh JOIN entry e ON e.seq = sh.seq
WHERE sh.subject IN (SELECT no FROM subject WHERE person = ?) ORDER BY sh.seq;

-- plan_references --
-- The recipients' own ids of a person's records.
SELECT share, subject, sealed FROM reference
WHERE subject IN (SELECT no FROM subject WHERE person = ?) ORDER BY rowid;

-- receipt --
-- Whether this receipt was accepted before.
SELECT notice FROM receipt WHERE partner = ? AND jti = ?;

-- count_receipts --
-- How many receipts of a notice were accepted.
SELECT count(*) FROM receipt WHERE notice = ?;

-- new_receipt --
-- A receipt was accepted.
INSERT INTO receipt (partner, jti, notice, token, at) VALUES (?, ?, ?, ?, ?);

-- receipts_of_case --
-- All receipts of a case.
SELECT r.notice, r.token FROM receipt r JOIN notice n ON n.id = r.notice
WHERE n.case_id = ? ORDER BY r.at, r.jti;

-- new_event --
-- Something happened to a case.
INSERT INTO case_event (case_id, kind, data) VALUES (?, ?, ?);

-- events --
-- What happened after an event.
SELECT id, kind, data FROM case_event WHERE case_id = ? AND id > ? ORDER BY id LIMIT 500;

-- erase_keys --
-- The keys, overwritten where they lie: from here on nothing of the person can be read or linked.
UPDATE wrapped SET key = zeroblob(length(key))
WHERE no IN (SELECT wrapped FROM subject WHERE person = ?);

-- erase_shares --
-- Nothing links a leaf to the person any more.
UPDATE share SET subject = NULL, ends = NULL
WHERE subject IN (SELECT no FROM subject WHERE person = ?);

-- erase_references --
DELETE FROM reference WHERE subject IN (SELECT no FROM subject WHERE person = ?);

-- erase_tokens --
DELETE FROM token WHERE subject IN (SELECT no FROM subject WHERE person = ?);

-- erase_answers --
DELETE FROM idempotency WHERE subject IN (SELECT no FROM subject WHERE person = ?);

-- erase_queued --
UPDATE queued SET state = 'refused', code = 'subject-erased', sealed = NULL, subject = NULL,
    claimed = 0
WHERE subject IN (SELECT no FROM subject WHERE person = ?) AND state = 'queued';

-- erase_ended_queued --
UPDATE queued SET subject = NULL WHERE subject IN (SELECT no FROM subject WHERE person = ?);

-- erase_evidence --
DELETE FROM evidence_subject WHERE lookup IN (SELECT lookup FROM subject WHERE person = ?);

-- erase_evidence_of --
-- Somebody of whom nothing else is stored may stand in a record all the same.
DELETE FROM evidence_subject WHERE lookup = ?;

-- erase_consents --
DELETE FROM consent WHERE subject IN (SELECT no FROM subject WHERE person = ?);

-- erase_fences --
DELETE FROM fence WHERE person = ?;

-- erase_notices --
UPDATE notice SET person = NULL WHERE person = ?;

-- erase_other_cases --
UPDATE cases SET person = NULL WHERE person = ? AND id <> ?;

-- erase_subjects --
DELETE FROM subject WHERE person = ?;

-- erase_row --
DELETE FROM person WHERE no = ?;
