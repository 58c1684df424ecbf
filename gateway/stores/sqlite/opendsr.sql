-- opendsr_request --
-- One request, by who asked and its id.
SELECT mark, case_id, received, sealed, told, tries, next_at, fingerprint
FROM opendsr_request WHERE mark = ?;

-- put_opendsr_request --
-- How far it was told; who came first keeps its case.
INSERT INTO opendsr_request (mark, case_id, received, sealed, told, tries, next_at, fingerprint)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (mark) DO UPDATE
SET sealed = excluded.sealed, told = excluded.told, tries = excluded.tries,
    next_at = excluded.next_at;

-- opendsr_requests_to_tell --
-- Those whose case stands otherwise than was told last.
SELECT r.mark, r.case_id, r.received, r.sealed, r.told, r.tries, r.next_at,
    r.fingerprint
FROM opendsr_request r JOIN cases c ON c.id = r.case_id
WHERE r.next_at <= ?
AND r.told != CASE c.state
    WHEN 'closed' THEN 'completed'
    WHEN 'refused' THEN 'cancelled'
    ELSE iif(EXISTS (
        SELECT 1 FROM notice n WHERE n.case_id = c.id AND (n.attempts > 0 OR n.settled = 1)
    ), 'in_progress', 'pending')
END
ORDER BY r.next_at LIMIT ?;

-- forget_opendsr_fingerprints --
-- The same request may not come any more.
UPDATE opendsr_request SET fingerprint = NULL WHERE fingerprint IS NOT NULL AND received <= ?;
