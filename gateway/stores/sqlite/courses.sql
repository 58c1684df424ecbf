-- notice_lanes --
-- Recipients with a notice that is or will be due: when the first one is, and how many are sent.
WITH RECURSIVE lane (partner) AS (
    SELECT min(partner) FROM notice WHERE next_at IS NOT NULL AND held = 0 AND claimed = 0
    UNION ALL
    SELECT (SELECT min(n.partner) FROM notice n WHERE n.partner > lane.partner
        AND n.next_at IS NOT NULL AND n.held = 0 AND n.claimed = 0)
    FROM lane WHERE lane.partner IS NOT NULL
)
SELECT lane.partner,
    (SELECT min(n.next_at) FROM notice n WHERE n.partner = lane.partner
        AND n.next_at IS NOT NULL AND n.held = 0 AND n.claimed = 0),
    (SELECT count(*) FROM notice c WHERE c.claimed = 1 AND c.partner = lane.partner)
FROM lane WHERE lane.partner IS NOT NULL;

-- notices_due --
-- What is due to one recipient, oldest first.
SELECT id, case_id FROM notice INDEXED BY notice_lane
WHERE partner = ? AND next_at <= ? AND next_at IS NOT NULL AND held = 0 AND claimed = 0
ORDER BY next_at LIMIT ?;

-- notice_of_next_case --
-- The oldest due one of the next case.
SELECT id, case_id FROM notice INDEXED BY notice_turn
WHERE partner = ? AND case_id > ? AND next_at <= ? AND next_at IS NOT NULL
    AND held = 0 AND claimed = 0
ORDER BY case_id, next_at LIMIT 1;

-- notice_to_probe --
-- One with which a recipient is asked that was left alone: due, or waiting for another try.
SELECT id FROM notice INDEXED BY notice_lane
WHERE partner = ?1 AND next_at IS NOT NULL AND held = 0 AND claimed = 0
    AND (next_at <= ?2 OR (state = 'queued' AND attempts > 0 AND coalesce(not_before, 0) <= ?2))
ORDER BY next_at LIMIT 1;

-- hasten --
-- A recipient answers again: what waits for another try goes out now, but for what it put off.
UPDATE notice SET next_at = max(?2, coalesce(not_before, 0)) WHERE id IN (
    SELECT id FROM notice INDEXED BY notice_lane
    WHERE partner = ?1 AND next_at > ?2 AND next_at IS NOT NULL AND held = 0 AND claimed = 0
        AND state = 'queued' AND attempts > 0 AND coalesce(not_before, 0) < next_at
    ORDER BY next_at LIMIT ?3
);

-- notices_to_look_at_again --
-- Those that are reminded of, or that a person is told of, now.
SELECT id FROM notice WHERE look_at <= ? AND look_at IS NOT NULL AND settled = 0
ORDER BY look_at LIMIT ?;

-- cases_to_remind_of --
-- Open cases of which whoever runs the gateway is reminded now, with what is left of each.
SELECT c.id, c.accepted_at, c.deadline, c.remind_at,
    (SELECT count(*) FROM notice n WHERE n.case_id = c.id AND n.settled = 0)
FROM cases c WHERE c.state = 'open' AND c.remind_at <= ? ORDER BY c.remind_at LIMIT ?;

-- case_reminded_of --
UPDATE cases SET remind_at = ? WHERE id = ?;

-- waiting_notices --
-- What waits for each recipient, and since when the first of it should have been told.
SELECT partner, count(*), min(since) FROM notice INDEXED BY notice_waiting
WHERE state = 'queued' AND settled = 0 AND since <= ? GROUP BY partner;

-- task_counts --
-- What waits for a person, by recipient.
SELECT partner, count(*) FROM notice INDEXED BY notice_tasks
WHERE settled = 0 AND held = 0 AND (
    state IN ('partial', 'refused', 'failed', 'overdue') OR escalated_at IS NOT NULL
    OR (next_at IS NULL AND (state = 'queued' OR resend_at IS NOT NULL))
) GROUP BY partner;

-- overdue_cases --
SELECT count(*) FROM cases WHERE state = 'open' AND deadline <= ?;

-- tasks_after --
-- What waits for a person, due first, behind a place in this order.
SELECT n.id, n.case_id, n.partner, n.state, n.reason, n.deadline, n.backups_until, n.attempts,
    n.next_at, n.proof, n.settled, n.held, n.resend_at, n.since, n.acknowledge_by, n.look_at,
    n.reached_at, n.acknowledged_at, n.done_at, n.escalated_at, n.not_before, n.reminders,
    c.action, c.reason, c.accepted_at
FROM notice n INDEXED BY notice_tasks JOIN cases c ON c.id = n.case_id
WHERE n.settled = 0 AND n.held = 0 AND (
    n.state IN ('partial', 'refused', 'failed', 'overdue') OR n.escalated_at IS NOT NULL
    OR (n.next_at IS NULL AND (n.state = 'queued' OR n.resend_at IS NOT NULL))
) AND (n.deadline, n.id) > (:deadline, :id) AND (:partner IS NULL OR n.partner = :partner)
ORDER BY n.deadline, n.id LIMIT :limit;

-- case_lines --
-- Cases with what is counted of each, due first, behind a place in this order.
SELECT c.id, c.action, c.state, c.reason, c.accepted_at, c.deadline, c.closed_at,
    (SELECT count(*) FROM notice n WHERE n.case_id = c.id),
    (SELECT count(*) FROM notice n WHERE n.case_id = c.id AND n.settled = 1),
    (SELECT count(*) FROM notice n WHERE n.case_id = c.id AND n.settled = 0 AND n.held = 0 AND (
        n.state IN ('partial', 'refused', 'failed', 'overdue') OR n.escalated_at IS NOT NULL
        OR (n.next_at IS NULL AND (n.state = 'queued' OR n.resend_at IS NOT NULL))))
FROM cases c
WHERE (c.deadline, c.id) > (:deadline, :id)
    AND (:state IS NULL OR c.state = :state)
    AND (:before IS NULL OR c.deadline < :before)
    AND (:overdue IS NULL OR (c.state = 'open' AND c.deadline <= :overdue))
    AND (:partner IS NULL OR EXISTS (
        SELECT 1 FROM notice n WHERE n.case_id = c.id AND n.partner = :partner))
ORDER BY c.deadline, c.id LIMIT :limit;

-- scorecard_counts --
-- How many notices each recipient had, and what became of them.
SELECT partner, count(*), sum(reached_at IS NOT NULL), sum(acknowledged_at IS NOT NULL),
    sum(state = 'completed' AND proof IS NOT 'person'), sum(settled = 0),
    sum(state = 'overdue'), sum(state = 'refused'), sum(state = 'failed'), sum(state = 'exempt'),
    sum(reason IS 'manual' OR proof IS 'person'), sum(reminders),
    sum(settled = 0 AND escalated_at IS NOT NULL)
FROM notice INDEXED BY notice_partner
WHERE since >= :since AND since < :until AND (:partner IS NULL OR partner = :partner)
GROUP BY partner ORDER BY partner;

-- scorecard_acknowledged --
-- Of each recipient the middle and the last hundredth of the times to acknowledge, milliseconds.
SELECT partner, min(CASE WHEN place = (many + 1) / 2 THEN took END),
    min(CASE WHEN place = (many * 99 + 99) / 100 THEN took END)
FROM (
    SELECT partner, max(0, acknowledged_at - coalesce(reached_at, since)) AS took,
        row_number() OVER (PARTITION BY partner
            ORDER BY acknowledged_at - coalesce(reached_at, since)) AS place,
        count(*) OVER (PARTITION BY partner) AS many
    FROM notice WHERE acknowledged_at IS NOT NULL AND since >= :since AND since < :until
        AND (:partner IS NULL OR partner = :partner)
) GROUP BY partner;

-- scorecard_completed --
-- The same of the times to complete, where the recipient itself says so.
SELECT partner, min(CASE WHEN place = (many + 1) / 2 THEN took END),
    min(CASE WHEN place = (many * 99 + 99) / 100 THEN took END)
FROM (
    SELECT partner, max(0, done_at - coalesce(reached_at, since)) AS took,
        row_number() OVER (PARTITION BY partner
            ORDER BY done_at - coalesce(reached_at, since)) AS place,
        count(*) OVER (PARTITION BY partner) AS many
    FROM notice WHERE done_at IS NOT NULL AND state = 'completed' AND proof IS NOT 'person'
        AND since >= :since AND since < :until AND (:partner IS NULL OR partner = :partner)
) GROUP BY partner;
