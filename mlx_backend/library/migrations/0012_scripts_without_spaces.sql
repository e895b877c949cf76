-- Both indexes hold text as `segmented` gives it: letters of scripts without spaces are words of
-- their own, and marks belong to the words that they are in. So the index of notes is no longer one
-- of the columns of `notes`, and keeps no copy of them either.
DROP TRIGGER notes_inserted;
DROP TRIGGER notes_deleted;
DROP TRIGGER notes_updated;
DROP TABLE notes_index;
CREATE VIRTUAL TABLE notes_index USING fts5 (
    title, text, content = '',
    tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'", prefix = '1 2 3'
);
INSERT INTO notes_index (rowid, title, text) SELECT id, segmented(title), segmented(text) FROM notes;
CREATE TRIGGER notes_inserted AFTER INSERT ON notes BEGIN
    INSERT INTO notes_index (rowid, title, text)
    VALUES (new.id, segmented(new.title), segmented(new.text));
END;
CREATE TRIGGER notes_deleted AFTER DELETE ON notes BEGIN
    INSERT INTO notes_index (notes_index, rowid, title, text)
    VALUES ('delete', old.id, segmented(old.title), segmented(old.text));
END;
CREATE TRIGGER notes_updated AFTER UPDATE OF title, text ON notes BEGIN
    INSERT INTO notes_index (notes_index, rowid, title, text)
    VALUES ('delete', old.id, segmented(old.title), segmented(old.text));
    INSERT INTO notes_index (rowid, title, text)
    VALUES (new.id, segmented(new.title), segmented(new.text));
END;

-- The index of passages begins empty again; the next refresh takes them in anew.
DROP TRIGGER indexed_deleted;
DROP TABLE passages_index;
CREATE VIRTUAL TABLE passages_index USING fts5 (
    title, heading, text,
    tokenize = "porter unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'"
);
DELETE FROM indexed;
CREATE TRIGGER indexed_deleted AFTER DELETE ON indexed BEGIN
    DELETE FROM passages_index WHERE rowid = old.passage_id;
END;
