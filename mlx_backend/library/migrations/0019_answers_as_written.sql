-- The answer that study wrote, once the person gave another one; NULL: it is as it was written.
-- Of what was edited before this, nobody knows: it counts as another one.
ALTER TABLE samples ADD COLUMN written TEXT;
UPDATE samples SET written = '' WHERE choice IN ('edited', 'edited, dropped');
CREATE TRIGGER samples_reworded AFTER UPDATE OF answer ON samples
WHEN old.written IS NULL AND new.answer <> old.answer
BEGIN
    UPDATE samples SET written = old.answer WHERE id = new.id;
END;
