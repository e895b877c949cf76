-- JSON [[name, start, words, end, own], ...]: the turns of a text of several voices. Of a library
-- that has only the person's own words, those are the turns that are known.
ALTER TABLE notes ADD COLUMN voices TEXT;
DROP TRIGGER notes_to_curate_again;
UPDATE notes SET voices = (
    SELECT json_group_array(json_array(
        '', json_extract(value, '$[0]'), json_extract(value, '$[0]'), json_extract(value, '$[1]'),
        json('true')
    )) FROM json_each(own_words)
) WHERE own_words <> '[]';
ALTER TABLE notes DROP COLUMN own_words;
CREATE TRIGGER notes_to_curate_again AFTER UPDATE OF title, text, author, voices ON notes
WHEN (old.title, old.text, old.author, old.voices)
    IS NOT (new.title, new.text, new.author, new.voices)
BEGIN
    DELETE FROM curated WHERE note_id = new.id;
    DELETE FROM findings WHERE note_id = new.id;
    DELETE FROM likenesses WHERE note_id = new.id OR other_id = new.id;
END;
CREATE INDEX notes_with_voices ON notes (id) WHERE voices IS NOT NULL;

-- By which the person is called in chats and mails.
CREATE TABLE own_names (
    folded  TEXT NOT NULL UNIQUE,              -- as it is compared
    name    TEXT NOT NULL                      -- as it was given
) STRICT;

-- What the person decided about folders; it also holds for notes that come later. The nearest
-- folder above a note counts: 0 leaves it out, 1 takes it out of what a folder above leaves out.
CREATE TABLE folder_choices (
    path      TEXT PRIMARY KEY,
    included  INTEGER NOT NULL
) STRICT;

-- Languages whose notes the person leaves out.
CREATE TABLE languages_left_out (code TEXT PRIMARY KEY) STRICT;
DROP VIEW heeded;
CREATE VIEW all_findings AS
SELECT note_id, step, reason, stays, score, value, spans,
    leaves_out OR (step = 'language' AND value IN (SELECT code FROM languages_left_out))
    AS leaves_out
FROM findings;
CREATE VIEW heeded AS SELECT * FROM all_findings WHERE NOT EXISTS (
    SELECT 1 FROM undone
    WHERE undone.step = all_findings.step
    AND coalesce(undone.note_id, 0) IN (0, all_findings.note_id)
);

-- What a person begins to type is found from the first letter on.
DROP TABLE notes_index;
CREATE VIRTUAL TABLE notes_index USING fts5 (
    title, text, content = 'notes', content_rowid = 'id',
    tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3'
);
INSERT INTO notes_index (notes_index) VALUES ('rebuild');
