-- new_token --
-- A value that a partner may redeem.
INSERT INTO token (mark, share, subject, sealed, partner, purpose, category, ends, uses)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- token --
-- What a partner holds a token for.
SELECT mark, share, subject, partner, sealed, uses, used FROM token WHERE mark = ?;

-- use_token --
-- It was redeemed once more.
UPDATE token SET used = used + 1 WHERE mark = ?;

-- redemption --
-- Whether this redemption was granted before.
SELECT token, digest FROM redemption WHERE partner = ? AND jti = ?;

-- new_redemption --
-- A redemption was granted.
INSERT INTO redemption (partner, jti, token, digest, expires) VALUES (?, ?, ?, ?, ?);

-- forget_redemptions --
-- Those that are too old to come again, some at a time.
DELETE FROM redemption WHERE (partner, jti) IN
    (SELECT partner, jti FROM redemption WHERE expires <= ? LIMIT 500);

-- empty_tokens --
-- Values whose time is over, some at a time. The row stays, so that who comes late is told so.
UPDATE token SET sealed = x'' WHERE mark IN
    (SELECT mark FROM token WHERE ends <= ? AND sealed <> x'' LIMIT 500);

-- tokens_of_person --
-- What recipients may redeem of a person, over all aliases.
SELECT mark, partner, purpose, category FROM token
WHERE subject IN (SELECT no FROM subject WHERE person = ?);

-- drop_redemptions --
-- With a token goes what is known of its use.
DELETE FROM redemption WHERE token = ?;

-- drop_token --
-- A token that opens nothing any more.
DELETE FROM token WHERE mark = ?;

-- erase_redemptions --
-- A person is gone: what was redeemed of them.
DELETE FROM redemption WHERE token IN
    (SELECT mark FROM token WHERE subject IN (SELECT no FROM subject WHERE person = ?));
