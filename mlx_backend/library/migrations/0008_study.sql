-- The passages, to be found by their words. Filled when it is first asked, and kept in step by ids:
-- a passage never changes, it goes and another comes. It holds the text as it is taught, masked.
CREATE VIRTUAL TABLE passages_index USING fts5 (
    title, heading, text, tokenize = 'porter unicode61 remove_diacritics 2'
);
CREATE TABLE indexed (passage_id INTEGER PRIMARY KEY) STRICT;
CREATE TRIGGER passages_deleted AFTER DELETE ON passages BEGIN
    DELETE FROM passages_index WHERE rowid = old.id;
    DELETE FROM indexed WHERE passage_id = old.id;
END;

-- What is masked in a note has changed: its passages are taken in again.
CREATE TRIGGER passages_masked_anew AFTER INSERT ON findings WHEN new.step = 'secrets' BEGIN
    DELETE FROM passages_index
        WHERE rowid IN (SELECT id FROM passages WHERE note_id = new.note_id);
    DELETE FROM indexed
        WHERE passage_id IN (SELECT id FROM passages WHERE note_id = new.note_id);
END;

-- What study wrote about passages. A passage is known by its note and the digest of its text as it
-- is taught, so that samples outlive an import that leaves it as it was.
CREATE TABLE samples (
    id       INTEGER PRIMARY KEY,
    note_id  INTEGER NOT NULL REFERENCES notes (id) ON DELETE CASCADE,
    passage  BLOB NOT NULL,                    -- the digest
    writer   TEXT NOT NULL,                    -- 'rules', or the base model's name
    kind     TEXT NOT NULL,
    prompt   TEXT NOT NULL,
    answer   TEXT NOT NULL,
    key      TEXT NOT NULL,                    -- the words of the answer that were asked for
    quote    TEXT NOT NULL,                    -- the words of the passage that bear it out
    dropped  TEXT NOT NULL DEFAULT '',         -- by which filter; '' where it is kept
    choice   TEXT NOT NULL DEFAULT ''          -- of the person: 'keep', 'drop' or 'edited'
) STRICT;
CREATE INDEX samples_of_note ON samples (note_id, passage);

-- Which passages a writer is done with; what is here is not studied again.
CREATE TABLE studied (
    note_id  INTEGER NOT NULL REFERENCES notes (id) ON DELETE CASCADE,
    passage  BLOB NOT NULL,
    writer   TEXT NOT NULL,
    version  INTEGER NOT NULL,
    PRIMARY KEY (note_id, passage, writer)
) STRICT, WITHOUT ROWID;
