-- Shares of which there is more to say than that they were delivered: those under way,
-- and few others. With it an account reads of the rest nothing but their leaves.
CREATE INDEX share_otherwise ON share (subject, outcome, untold)
WHERE subject IS NOT NULL AND (outcome IS NOT 'delivered' OR untold <> 0);
