-- A demand of which the person must not learn stays out of their account (D2).
ALTER TABLE share ADD COLUMN untold INTEGER NOT NULL DEFAULT 0;
