-- new_mass --
-- One decision about many people.
INSERT INTO mass_case (id, action, reason, scope, chosen, state, opener, accepted_at, starts_at,
    announced_at, people, gathered, wrapped, sealed)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- mass_by_id --
-- One of them.
SELECT no, id, action, reason, scope, chosen, state, opener, approver, accepted_at, starts_at,
    announced_at, ended_at, people, opened, passed, gathered
FROM mass_case WHERE id = ?;

-- list_masses --
-- All that anybody may see, newest first.
SELECT no, id, action, reason, scope, chosen, state, opener, approver, accepted_at, starts_at,
    announced_at, ended_at, people, opened, passed, gathered
FROM mass_case WHERE state NOT IN ('receiving', 'dropped') ORDER BY no DESC LIMIT ?;

-- unfinished_masses --
-- Those with which something is left to be done.
SELECT no, id, action, reason, scope, chosen, state, opener, approver, accepted_at, starts_at,
    announced_at, ended_at, people, opened, passed, gathered
FROM mass_case WHERE state <> 'closed' AND (state <> 'cancelled' OR wrapped IS NOT NULL)
ORDER BY no;

-- mass_details --
-- What each of its cases needs, and the key to it.
SELECT k.key, m.sealed FROM mass_case m JOIN wrapped k ON k.no = m.wrapped WHERE m.no = ?;

-- put_mass --
-- How it stands now.
UPDATE mass_case SET state = ?, approver = ?, ended_at = ?, people = ?, gathered = ? WHERE no = ?;

-- destroy_mass_key --
-- Nothing of its list opens any more.
UPDATE wrapped SET key = zeroblob(length(key))
WHERE no = (SELECT wrapped FROM mass_case WHERE no = ?);

-- destroy_mass_details --
-- And the rest of it.
UPDATE mass_case SET wrapped = NULL, sealed = NULL WHERE no = ?;

-- drop_mass --
-- One that was never accepted.
DELETE FROM mass_case WHERE no = ?;

-- drop_unreceived --
-- After a crash no list is on its way in any more.
UPDATE mass_case SET state = 'dropped' WHERE state = 'receiving';

-- last_mass_place --
-- Behind which the next ones wait.
SELECT coalesce(max(place), 0) FROM mass_person WHERE mass = ?;

-- new_mass_person --
-- Somebody whose case is to be opened, once.
INSERT INTO mass_person (mass, place, person, mark, sealed) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING;

-- mass_people --
-- Who waits.
SELECT place, person, sealed FROM mass_person WHERE mass = ? ORDER BY place LIMIT ?;

-- count_mass_people --
-- How many wait.
SELECT count(*) FROM mass_person WHERE mass = ?;

-- take_mass_person --
-- Their case is opened now, unless it was stopped.
DELETE FROM mass_person WHERE mass = ?1 AND place = ?2
    AND EXISTS (SELECT 1 FROM mass_case WHERE no = ?1 AND state = 'running');

-- mass_opened --
-- One more.
UPDATE mass_case SET opened = opened + 1 WHERE no = ?;

-- case_of_mass --
-- Which decision a case is part of.
UPDATE cases SET mass = ? WHERE id = ?;

-- notice_of_mass --
-- And a notice of it: those of everybody else go first.
UPDATE notice SET mass = (SELECT c.mass FROM cases c WHERE c.id = notice.case_id) WHERE id = ?;

-- pass_mass_person --
-- There is nothing left to be told of them.
DELETE FROM mass_person WHERE mass = ? AND place = ?;

-- mass_passed --
-- One more of these.
UPDATE mass_case SET passed = passed + 1 WHERE no = ?;

-- forget_mass_people --
-- Some of those whose case is not opened any more.
DELETE FROM mass_person WHERE mass = ?1 AND place IN (
    SELECT place FROM mass_person WHERE mass = ?1 ORDER BY place LIMIT ?2
);

-- erase_mass_places --
-- Somebody is gone: their number may be another's one day.
DELETE FROM mass_person WHERE person = ?;

-- join_mass_places --
-- Who waits goes on waiting, once.
UPDATE OR IGNORE mass_person SET person = ? WHERE person = ?;

-- people_from --
-- Living people behind a number.
SELECT no FROM person WHERE no > ? AND erased = 0 ORDER BY no LIMIT ?;

-- people_within --
-- Those of them of whom anything was shared inside a scope. Empty arrays bound nothing.
SELECT e.value FROM json_each(?1) e WHERE EXISTS (
    SELECT 1 FROM subject su JOIN share sh ON sh.subject = su.no JOIN entry l ON l.seq = sh.seq
    WHERE su.person = e.value AND sh.outcome IS NOT 'not-sent'
        AND (?2 = '[]' OR sh.partner IN (SELECT value FROM json_each(?2)))
        AND (?3 = '[]' OR json_extract(l.leaf, '$.purpose') IN (SELECT value FROM json_each(?3)))
        AND (?4 = 0 OR sh.ends IS NOT NULL)
);

-- expected_of_mass --
-- What each recipient would be told: people, messages, and people who may not hear of it.
SELECT partner, count(*), sum(CASE WHEN told > 0 THEN told ELSE quiet END), sum(told = 0)
FROM (
    SELECT sh.partner AS partner,
        count(DISTINCT CASE WHEN sh.untold = 0 THEN sh.subject END) AS told,
        count(DISTINCT sh.subject) AS quiet
    FROM share sh JOIN subject su ON su.no = sh.subject JOIN person p ON p.no = su.person
        JOIN entry l ON l.seq = sh.seq
    WHERE p.erased = 0 AND sh.outcome IS NOT 'not-sent'
        AND (?1 = '[]' OR sh.partner IN (SELECT value FROM json_each(?1)))
        AND (?2 = '[]' OR json_extract(l.leaf, '$.purpose') IN (SELECT value FROM json_each(?2)))
        AND (?3 = 0 OR sh.ends IS NOT NULL)
        AND (?4 IS NULL OR EXISTS (
            SELECT 1 FROM mass_person m WHERE m.mass = ?4 AND m.person = su.person
        ))
    GROUP BY sh.partner, su.person
) GROUP BY partner ORDER BY partner;

-- reached_by_mass --
-- How its notices stand.
SELECT partner, state, settled, count(*) FROM notice WHERE mass = ?
GROUP BY partner, state, settled ORDER BY partner, state;

-- open_cases_of_mass --
-- Whether any of its cases is not over.
SELECT count(*) FROM (SELECT 1 FROM cases WHERE mass = ? AND state = 'open' LIMIT 1);

-- new_mass_step --
-- What happened to it, and where in the ledger that is said.
INSERT INTO mass_step (mass, seq, event, at, actor)
SELECT ?1, ?2, json_extract(?3, '$.state'), json_extract(?3, '$.at'), json_extract(?3, '$.actor');

-- mass_steps --
-- All of it, in order.
SELECT event, at, actor, seq FROM mass_step WHERE mass = ? ORDER BY seq;

-- cases_of_mass_by_id --
-- Some of its cases in the order of their ids: the first of each state, of which the index has
-- the order, and the first of these.
SELECT id, state FROM (
    SELECT * FROM (
        SELECT id, state FROM cases INDEXED BY cases_of_mass
        WHERE mass = ?1 AND state = 'closed' AND id > ?2 ORDER BY id LIMIT ?3
    ) UNION ALL SELECT * FROM (
        SELECT id, state FROM cases INDEXED BY cases_of_mass
        WHERE mass = ?1 AND state = 'open' AND id > ?2 ORDER BY id LIMIT ?3
    ) UNION ALL SELECT * FROM (
        SELECT id, state FROM cases INDEXED BY cases_of_mass
        WHERE mass = ?1 AND state = 'refused' AND id > ?2 ORDER BY id LIMIT ?3
    )
) ORDER BY id LIMIT ?3;

-- notices_of_cases --
-- How the notices of these cases stand, but for those that may not be told of (D2).
SELECT n.partner, n.state, n.settled, n.proof, count(*), max(substr(n.backups_until, 1, 10))
FROM json_each(?1) e CROSS JOIN notice n ON n.case_id = e.value
WHERE NOT (n.state = 'exempt' AND n.reason IS ?2)
GROUP BY n.partner, n.state, n.settled, n.proof;

-- own_notices_due --
-- As `notices_due`, without those of mass cases.
SELECT id, case_id FROM notice INDEXED BY notice_own
WHERE partner = ? AND next_at <= ? AND mass IS NULL AND next_at IS NOT NULL
    AND held = 0 AND claimed = 0
ORDER BY next_at LIMIT ?;

-- own_notice_of_next_case --
-- As `notice_of_next_case`, without those of mass cases.
SELECT id, case_id FROM notice INDEXED BY notice_own_turn
WHERE partner = ? AND case_id > ? AND next_at <= ? AND mass IS NULL AND next_at IS NOT NULL
    AND held = 0 AND claimed = 0
ORDER BY case_id, next_at LIMIT 1;

-- recipients_behind --
-- A recipient to whom at least so many notices are due. It costs the same however many more are.
WITH RECURSIVE lane (partner) AS (
    SELECT min(partner) FROM notice WHERE next_at IS NOT NULL AND held = 0 AND claimed = 0
    UNION ALL
    SELECT (SELECT min(n.partner) FROM notice n WHERE n.partner > lane.partner
        AND n.next_at IS NOT NULL AND n.held = 0 AND n.claimed = 0)
    FROM lane WHERE lane.partner IS NOT NULL
)
SELECT partner FROM lane
WHERE partner IS NOT NULL AND partner NOT IN (SELECT value FROM json_each(?3)) AND (
    SELECT count(*) FROM (
        SELECT 1 FROM notice n INDEXED BY notice_lane
        WHERE n.partner = lane.partner AND n.next_at <= ?1 AND n.next_at IS NOT NULL
            AND n.held = 0 AND n.claimed = 0 LIMIT ?2
    )
) >= ?2 LIMIT 1;
