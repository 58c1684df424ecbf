-- note_more --
-- How identity was verified, and when; on what the request was refused.
UPDATE cases SET method = ?, verified_at = ?, ground = ? WHERE id = ?;

-- case_more --
-- What was kept of a case besides.
SELECT method, verified_at, ground FROM cases WHERE id = ?;

-- restrictions --
-- What is restricted for a person, oldest first.
SELECT c.id, c.scope FROM fence f JOIN cases c ON c.id = f.case_id
WHERE f.person = ? AND c.action = 'restrict' ORDER BY c.accepted_at, c.id;

-- refuse_case --
-- A request is refused.
UPDATE cases SET state = 'refused', closed_at = ?, ground = ? WHERE id = ? AND state = 'open';

-- need_nobody --
-- It needs its person no longer.
UPDATE cases SET stage = 'finished', wrapped = NULL, sealed = NULL WHERE id = ?;

-- refused_at_once --
-- A request that was refused from the start; it needs nobody.
UPDATE cases SET stage = 'finished', closed_at = accepted_at, person = NULL, wrapped = NULL,
    sealed = NULL
WHERE id = ?;

-- editions_of --
-- The documents that were in force under one number up to a moment, newest first.
SELECT number, digest, published, effective, adopted_at, widened, documents
FROM edition WHERE number = ? AND adopted_at <= ? ORDER BY turn DESC LIMIT 50;

-- sealed_tokens --
-- The values that recipients may redeem of a person, over all aliases.
SELECT mark, share, subject, partner, sealed FROM token
WHERE subject IN (SELECT no FROM subject WHERE person = ?) AND sealed <> x'';

-- reseal_token --
-- Another value for the same token, unless it ended meanwhile.
UPDATE token SET sealed = ? WHERE mark = ? AND sealed = ?;
