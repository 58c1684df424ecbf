-- cosignatures --
-- The lines that witnesses gave for one checkpoint.
SELECT c.line FROM cosignature c JOIN witnessed w ON w.size = c.size
WHERE w.size = ? AND w.root = ? ORDER BY c.witness;

-- newest_witnessed --
-- The largest checkpoint that so many witnesses cosigned.
SELECT w.size, w.root, w.note FROM witnessed w
WHERE (SELECT count(*) FROM cosignature c WHERE c.size = w.size) >= ?
ORDER BY w.size DESC LIMIT 1;

-- cosigned_sizes --
-- How far each witness has come.
SELECT witness, max(size) FROM cosignature GROUP BY witness;

-- put_witnessed --
-- A checkpoint that somebody cosigned.
INSERT INTO witnessed (size, root, note) VALUES (?, ?, ?)
ON CONFLICT (size) DO UPDATE SET root = excluded.root, note = excluded.note;

-- put_cosignature --
-- One witness's line, or a newer one.
INSERT INTO cosignature (size, witness, line) VALUES (?, ?, ?)
ON CONFLICT (size, witness) DO UPDATE SET line = excluded.line;

-- drop_cosignatures --
-- Those below a size.
DELETE FROM cosignature WHERE size < ?;

-- drop_witnessed --
-- Checkpoints below a size, or that nobody cosigned any more.
DELETE FROM witnessed WHERE size < ? OR size NOT IN (SELECT size FROM cosignature);

-- known_witnesses --
-- Whose lines are kept.
SELECT DISTINCT witness FROM cosignature;

-- drop_witness --
-- Everything of one witness.
DELETE FROM cosignature WHERE witness = ?;

-- oldest_kept --
-- So many of the largest are kept at most.
SELECT size FROM witnessed ORDER BY size DESC LIMIT 1 OFFSET ?;

-- put_settled --
-- Where the outcome's leaf of an intent is.
UPDATE share SET settled = ? WHERE seq = ?;

-- places_of_share --
-- Where the leaves of a share that the gateway carried are: of each intent, and of its outcome.
SELECT seq, settled FROM share
WHERE share = ? AND kind IN ('intent', 'transfer', 'public-disclosure') ORDER BY seq;
