-- How a notice went, and when it is looked at next. `since`: from when on it was to be told.
ALTER TABLE notice ADD COLUMN since INTEGER;
ALTER TABLE notice ADD COLUMN acknowledge_by INTEGER;
ALTER TABLE notice ADD COLUMN look_at INTEGER;
ALTER TABLE notice ADD COLUMN reached_at INTEGER;
ALTER TABLE notice ADD COLUMN acknowledged_at INTEGER;
ALTER TABLE notice ADD COLUMN done_at INTEGER;
ALTER TABLE notice ADD COLUMN escalated_at INTEGER;
ALTER TABLE notice ADD COLUMN not_before INTEGER;
ALTER TABLE notice ADD COLUMN reminders INTEGER NOT NULL DEFAULT 0;

-- When whoever runs the gateway is reminded of an open case next; 0: nobody has looked yet.
ALTER TABLE cases ADD COLUMN remind_at INTEGER NOT NULL DEFAULT 0;

-- What is open already gets its first look at once.
UPDATE notice SET since = (SELECT c.accepted_at FROM cases c WHERE c.id = notice.case_id),
    look_at = CASE settled WHEN 0 THEN 0 END;

CREATE INDEX notice_look ON notice (look_at) WHERE look_at IS NOT NULL AND settled = 0;
CREATE INDEX notice_lane ON notice (partner, next_at, case_id)
WHERE next_at IS NOT NULL AND held = 0 AND claimed = 0;
CREATE INDEX notice_turn ON notice (partner, case_id, next_at)
WHERE next_at IS NOT NULL AND held = 0 AND claimed = 0;
CREATE INDEX notice_waiting ON notice (partner, since, state, settled) WHERE state = 'queued' AND settled = 0;
CREATE INDEX notice_partner ON notice (partner, since);
CREATE INDEX cases_due ON cases (deadline, id);
CREATE INDEX cases_remind ON cases (remind_at) WHERE state = 'open';

-- What waits for a person. The condition stands word for word in the statements that ask for it.
CREATE INDEX notice_tasks ON notice (deadline, id, partner)
WHERE settled = 0 AND held = 0 AND (
    state IN ('partial', 'refused', 'failed', 'overdue') OR escalated_at IS NOT NULL
    OR (next_at IS NULL AND (state = 'queued' OR resend_at IS NOT NULL))
);
