-- How identity was verified (R6), and on what a request was refused (R7): for the answer to
-- the person, when what the case was opened with is destroyed.
ALTER TABLE cases ADD COLUMN method TEXT;
ALTER TABLE cases ADD COLUMN verified_at INTEGER;
ALTER TABLE cases ADD COLUMN ground TEXT;
