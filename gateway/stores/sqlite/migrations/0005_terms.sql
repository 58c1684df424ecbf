-- What ends by itself (P6, S4a). `ends` is when to look whether a share's recipient
-- is to be told, in seconds: at first the end of its retention. Nothing there: the
-- recipient was told, by the case `told_by`, or has nothing to be told. A disclosure
-- that was declared without a retention ends with the agreement and not before.
ALTER TABLE share ADD COLUMN ends INTEGER;
ALTER TABLE share ADD COLUMN told_by TEXT;
UPDATE share SET ends = CASE
    WHEN kind = 'declared' AND EXISTS (
        SELECT 1 FROM entry e WHERE e.seq = share.seq
            AND json_extract(e.leaf, '$.retention_until') = json_extract(e.leaf, '$.disclosed_at')
    ) THEN 253402300799
    ELSE retention_until
END
WHERE subject IS NOT NULL AND outcome IS NOT 'not-sent';
CREATE INDEX share_ends ON share (partner, ends) WHERE ends IS NOT NULL;
