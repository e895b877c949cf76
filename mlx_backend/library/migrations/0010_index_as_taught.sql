-- The index holds passages as they are taught. Whatever changes that takes a note's passages out
-- of `indexed`, and with it out of the index; the next refresh takes them in anew. The index begins
-- empty again, for what was decided since 0008 is not in it.
DROP TRIGGER passages_deleted;
DROP TRIGGER passages_masked_anew;
DROP TABLE passages_index;
CREATE VIRTUAL TABLE passages_index USING fts5 (
    title, heading, text, tokenize = 'porter unicode61 remove_diacritics 2'
);
DELETE FROM indexed;
CREATE TRIGGER indexed_deleted AFTER DELETE ON indexed BEGIN
    DELETE FROM passages_index WHERE rowid = old.passage_id;
END;
CREATE TRIGGER passages_deleted AFTER DELETE ON passages BEGIN
    DELETE FROM indexed WHERE passage_id = old.id;
END;

-- What is left out of a text, and what is private in it.
CREATE TRIGGER findings_inserted AFTER INSERT ON findings
WHEN new.step IN ('authorship', 'boilerplate', 'secrets') BEGIN
    DELETE FROM indexed
        WHERE passage_id IN (SELECT id FROM passages WHERE note_id = new.note_id);
END;
CREATE TRIGGER findings_deleted AFTER DELETE ON findings
WHEN old.step IN ('authorship', 'boilerplate', 'secrets') BEGIN
    DELETE FROM indexed
        WHERE passage_id IN (SELECT id FROM passages WHERE note_id = old.note_id);
END;

-- What the person decided about it, for a note or for all.
CREATE TRIGGER undone_inserted AFTER INSERT ON undone
WHEN new.step IN ('authorship', 'boilerplate') BEGIN
    DELETE FROM indexed WHERE passage_id IN (
        SELECT passages.id FROM passages JOIN findings ON findings.note_id = passages.note_id
        WHERE findings.step = new.step AND findings.note_id = coalesce(new.note_id, findings.note_id)
    );
END;
CREATE TRIGGER undone_deleted AFTER DELETE ON undone
WHEN old.step IN ('authorship', 'boilerplate') BEGIN
    DELETE FROM indexed WHERE passage_id IN (
        SELECT passages.id FROM passages JOIN findings ON findings.note_id = passages.note_id
        WHERE findings.step = old.step AND findings.note_id = coalesce(old.note_id, findings.note_id)
    );
END;
CREATE TRIGGER allowed_secrets_inserted AFTER INSERT ON allowed_secrets BEGIN
    DELETE FROM indexed
        WHERE passage_id IN (SELECT id FROM passages WHERE note_id = new.note_id);
END;
CREATE TRIGGER allowed_secrets_deleted AFTER DELETE ON allowed_secrets BEGIN
    DELETE FROM indexed
        WHERE passage_id IN (SELECT id FROM passages WHERE note_id = old.note_id);
END;
