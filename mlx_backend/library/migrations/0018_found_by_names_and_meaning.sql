-- What else a note is called and filed under, from its front matter; one a line.
ALTER TABLE notes ADD COLUMN aliases TEXT NOT NULL DEFAULT '';
ALTER TABLE notes ADD COLUMN tags TEXT NOT NULL DEFAULT '';

-- The index of passages gets the names of their notes (file, folders, aliases), the tags, and the
-- terms of code. It begins empty again; the next refresh takes the passages in anew.
DROP TRIGGER indexed_deleted;
DROP TABLE passages_index;
DELETE FROM indexed;
CREATE VIRTUAL TABLE passages_index USING fts5 (
    title, heading, text, names, tags, code,
    tokenize = "porter unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'"
);
-- Of title, headings and text of each indexed passage as they are taught: its vector is known by it.
CREATE TABLE passage_digests (passage_id INTEGER PRIMARY KEY, digest BLOB NOT NULL) STRICT;
CREATE INDEX passages_by_digest ON passage_digests (digest);
CREATE TRIGGER indexed_deleted AFTER DELETE ON indexed BEGIN
    DELETE FROM passages_index WHERE rowid = old.passage_id;
    DELETE FROM passage_digests WHERE passage_id = old.passage_id;
END;
CREATE TRIGGER notes_renamed AFTER UPDATE OF path, source, aliases, tags ON notes
WHEN (old.path, old.source, old.aliases, old.tags)
    IS NOT (new.path, new.source, new.aliases, new.tags)
BEGIN
    DELETE FROM indexed WHERE passage_id IN (SELECT id FROM passages WHERE note_id = new.id);
END;

-- The vectors of English passages: 384 numbers of two bytes, by which they are found by meaning.
CREATE TABLE passage_vectors (
    digest  BLOB PRIMARY KEY,
    vector  BLOB NOT NULL
) STRICT, WITHOUT ROWID;
