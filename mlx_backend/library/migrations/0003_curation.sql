-- What curation found about notes, at most one finding of each step for a note.
CREATE TABLE findings (
    note_id     INTEGER NOT NULL REFERENCES notes (id) ON DELETE CASCADE,
    step        TEXT NOT NULL,
    leaves_out  INTEGER NOT NULL,              -- training leaves the note out, unless undone
    reason      TEXT NOT NULL,                 -- a sentence; {note} is the title of the one that stays
    stays       INTEGER REFERENCES notes (id) ON DELETE SET NULL,
    score       REAL,                          -- from 0 to 1; what it says depends on the step
    value       TEXT NOT NULL DEFAULT '',      -- the code of a language
    spans       TEXT,                          -- JSON [[start, end], ...]: text that is left out
    PRIMARY KEY (note_id, step)
) STRICT, WITHOUT ROWID;
CREATE INDEX findings_of_step ON findings (step);
CREATE INDEX findings_by_stays ON findings (stays) WHERE stays IS NOT NULL;

-- What the person decided. It outlives imports and goes before any finding. notes.included is what
-- counts: the choice where there is one, else what curation suggests.
CREATE TABLE choices (
    note_id   INTEGER PRIMARY KEY REFERENCES notes (id) ON DELETE CASCADE,
    included  INTEGER NOT NULL
) STRICT;
INSERT INTO choices SELECT id, 0 FROM notes WHERE NOT included;

-- Steps that the person undid: for a note, or where note_id is NULL for all.
CREATE TABLE undone (
    step     TEXT NOT NULL,
    note_id  INTEGER REFERENCES notes (id) ON DELETE CASCADE
) STRICT;
CREATE UNIQUE INDEX undone_once ON undone (step, coalesce(note_id, 0));
CREATE VIEW heeded AS SELECT * FROM findings WHERE NOT EXISTS (
    SELECT 1 FROM undone
    WHERE undone.step = findings.step AND coalesce(undone.note_id, 0) IN (0, findings.note_id)
);

-- What curation computed from a note's text alone.
CREATE TABLE curated (
    note_id     INTEGER PRIMARY KEY REFERENCES notes (id) ON DELETE CASCADE,
    version     INTEGER NOT NULL,              -- of the steps
    same_text   BLOB NOT NULL,                 -- equal for equal texts; empty where there are no words
    length      INTEGER NOT NULL,              -- characters of the text
    sketch      BLOB NOT NULL,                 -- MinHash; empty for texts too short or too long
    paragraphs  BLOB NOT NULL,                 -- hash and place of each that might be boilerplate
    compared    INTEGER NOT NULL DEFAULT 0     -- with all others, as they and it are now
) STRICT;
CREATE INDEX curated_to_compare ON curated (note_id) WHERE NOT compared;

-- How much of a note's wording stands in another one; 0 where it could not go for that one.
CREATE TABLE likenesses (
    note_id   INTEGER NOT NULL REFERENCES notes (id) ON DELETE CASCADE,
    other_id  INTEGER NOT NULL REFERENCES notes (id) ON DELETE CASCADE,
    share     REAL NOT NULL,
    PRIMARY KEY (note_id, other_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX likenesses_by_other ON likenesses (other_id);

-- Which note stays depends on the notes that are there and on their paths.
CREATE TRIGGER notes_to_compare_again AFTER UPDATE OF path, gone ON notes
WHEN (old.path, old.gone) IS NOT (new.path, new.gone)
BEGIN
    UPDATE curated SET compared = 0 WHERE note_id = new.id;
END;
-- Places in an old text mean nothing in a new one.
CREATE TRIGGER notes_to_curate_again AFTER UPDATE OF title, text, author, own_words ON notes
WHEN (old.title, old.text, old.author, old.own_words)
    IS NOT (new.title, new.text, new.author, new.own_words)
BEGIN
    DELETE FROM curated WHERE note_id = new.id;
    DELETE FROM findings WHERE note_id = new.id;
    DELETE FROM likenesses WHERE note_id = new.id OR other_id = new.id;
END;
