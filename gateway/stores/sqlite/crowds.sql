-- live_tombstones_by_mark --
-- Which of many marks keep somebody out in this month.
WITH RECURSIVE place (i) AS (SELECT 0 WHERE ?2 > 0 UNION ALL SELECT i + 1 FROM place WHERE i + 1 < ?2)
SELECT t.mark FROM place CROSS JOIN tombstone t ON t.mark = substr(?1, 1 + 32 * i, 32)
WHERE t.expires >= ?3;

-- aliases_of_many --
-- All rows of many people.
SELECT s.no, s.lookup, s.person, k.key, s.facts, p.epoch, p.erased
FROM json_each(?) e CROSS JOIN subject s ON s.person = e.value
    JOIN wrapped k ON k.no = s.wrapped JOIN person p ON p.no = s.person
ORDER BY s.no;

-- consents_of_many --
-- All consents of many subjects.
SELECT c.id, c.subject, c.sealed FROM json_each(?) e CROSS JOIN consent c ON c.subject = e.value;

-- fences_of_many --
-- All fences of many people.
SELECT f.case_id, f.person, f.sealed FROM json_each(?) e CROSS JOIN fence f ON f.person = e.value;
