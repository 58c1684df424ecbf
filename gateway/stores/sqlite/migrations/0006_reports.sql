-- Which leaves are reads of people's records, and whose (P3): the erasable index of
-- what the leaf only has as a mark. Reads of before have no person here.
CREATE TABLE read_of (
    seq INTEGER PRIMARY KEY REFERENCES entry (seq),
    subject INTEGER
) STRICT;
CREATE INDEX read_of_subject ON read_of (subject) WHERE subject IS NOT NULL;
INSERT INTO read_of (seq) SELECT seq FROM entry WHERE json_extract(leaf, '$.kind') = 'read';

CREATE VIEW read_said AS
SELECT r.seq, r.subject, json_extract(e.leaf, '$.service') AS service,
    json_extract(e.leaf, '$.actor') AS actor, json_extract(e.leaf, '$.record') AS record,
    json_extract(e.leaf, '$.at') AS at
FROM read_of r JOIN entry e ON e.seq = r.seq;
