-- What was decided about a mass case and what became of it, each with its leaf: for its
-- certificate, also when the leaf is pruned one day.
CREATE TABLE mass_step (
    mass INTEGER NOT NULL REFERENCES mass_case (no),
    seq INTEGER NOT NULL,
    event TEXT NOT NULL,
    at TEXT NOT NULL,
    actor TEXT,
    PRIMARY KEY (mass, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO mass_step (mass, seq, event, at, actor)
SELECT m.no, e.seq, json_extract(e.leaf, '$.state'), json_extract(e.leaf, '$.at'),
    json_extract(e.leaf, '$.actor')
FROM entry e JOIN mass_case m ON m.id = json_extract(e.leaf, '$.case')
WHERE EXISTS (SELECT 1 FROM mass_case) AND e.leaf LIKE '%"case":"mass|_%' ESCAPE '|'
    AND json_extract(e.leaf, '$.kind') = 'case';
