-- Numbers never come again: what is deleted goes into the bin and comes back under its own, and
-- whatever else refers to it must not meet something new there. SQLite cannot add AUTOINCREMENT to
-- a table, so each is made anew. Foreign keys are off meanwhile, else dropping a table would take
-- along what belongs to its rows.
DROP TRIGGER findings_inserted;
DROP TRIGGER findings_deleted;
DROP TRIGGER undone_inserted;
DROP TRIGGER undone_deleted;
DROP TRIGGER allowed_secrets_inserted;
DROP TRIGGER allowed_secrets_deleted;

CREATE TABLE new_notes (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    path            TEXT NOT NULL UNIQUE,      -- that of its file, with its part where there are more
    source          TEXT NOT NULL,             -- the folder or file that the person imported
    title           TEXT NOT NULL,
    text            TEXT NOT NULL,
    sha256          TEXT NOT NULL,             -- tells versions of the note apart
    words           INTEGER NOT NULL,
    tokens          INTEGER NOT NULL,          -- in the starter model's tokens
    imported_at     REAL NOT NULL,
    included        INTEGER NOT NULL DEFAULT 1,
    gone            INTEGER NOT NULL DEFAULT 0, -- the file is no longer there
    learned_sha256  TEXT,                      -- the version that an adapter was trained on
    learned_by      TEXT,                      -- that adapter
    file            TEXT NOT NULL DEFAULT '',  -- absolute path of the file it came from
    part            TEXT NOT NULL DEFAULT '',
    kind            TEXT NOT NULL DEFAULT 'text',
    created         REAL NOT NULL DEFAULT 0,   -- when it was written, in seconds since 1970
    author          TEXT NOT NULL DEFAULT '',
    left_out        TEXT NOT NULL DEFAULT '',  -- what of the file is not in the text, in plain words
    voices          TEXT                       -- JSON [[name, start, words, end, own], ...]
) STRICT;
INSERT INTO new_notes (id, path, source, title, text, sha256, words, tokens, imported_at, included,
    gone, learned_sha256, learned_by, file, part, kind, created, author, left_out, voices)
SELECT id, path, source, title, text, sha256, words, tokens, imported_at, included,
    gone, learned_sha256, learned_by, file, part, kind, created, author, left_out, voices FROM notes;
DROP TABLE notes;
ALTER TABLE new_notes RENAME TO notes;
CREATE INDEX notes_of_file ON notes (file);
CREATE INDEX notes_with_voices ON notes (id) WHERE voices IS NOT NULL;

CREATE TABLE new_passages (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    note_id   INTEGER NOT NULL REFERENCES notes (id) ON DELETE CASCADE,
    position  INTEGER NOT NULL,                -- its place in the note, from 0
    start     INTEGER NOT NULL,                -- first character in the note's text
    end       INTEGER NOT NULL,                -- one past the last
    heading   TEXT NOT NULL,                   -- the headings above it, outermost first
    UNIQUE (note_id, position)
) STRICT;
INSERT INTO new_passages (id, note_id, position, start, end, heading)
SELECT id, note_id, position, start, end, heading FROM passages;
DROP TABLE passages;
ALTER TABLE new_passages RENAME TO passages;

CREATE TABLE new_samples (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
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
INSERT INTO new_samples (id, note_id, passage, writer, kind, prompt, answer, key, quote, dropped,
    choice)
SELECT id, note_id, passage, writer, kind, prompt, answer, key, quote, dropped, choice FROM samples;
DROP TABLE samples;
ALTER TABLE new_samples RENAME TO samples;
CREATE INDEX samples_of_note ON samples (note_id, passage);

CREATE TABLE new_conversations (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    title       TEXT NOT NULL,
    created_at  REAL NOT NULL,
    updated_at  REAL NOT NULL
) STRICT;
INSERT INTO new_conversations (id, title, created_at, updated_at)
SELECT id, title, created_at, updated_at FROM conversations;
DROP TABLE conversations;
ALTER TABLE new_conversations RENAME TO conversations;

CREATE TABLE new_turns (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation_id  INTEGER NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    role             TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
    text             TEXT NOT NULL,
    adapter          TEXT,                     -- who answered; NULL is the base model
    at               REAL NOT NULL,
    citations        TEXT NOT NULL DEFAULT ''  -- the passages that an answer is from, as JSON
) STRICT;
INSERT INTO new_turns (id, conversation_id, role, text, adapter, at, citations)
SELECT id, conversation_id, role, text, adapter, at, citations FROM turns;
DROP TABLE turns;
ALTER TABLE new_turns RENAME TO turns;
CREATE INDEX turns_of_conversation ON turns (conversation_id, id);

-- The triggers that went with their tables, as they were.
CREATE TRIGGER notes_inserted AFTER INSERT ON notes BEGIN
    INSERT INTO notes_index (rowid, title, text) VALUES (new.id, new.title, new.text);
END;
CREATE TRIGGER notes_deleted AFTER DELETE ON notes BEGIN
    INSERT INTO notes_index (notes_index, rowid, title, text)
    VALUES ('delete', old.id, old.title, old.text);
END;
CREATE TRIGGER notes_updated AFTER UPDATE OF title, text ON notes BEGIN
    INSERT INTO notes_index (notes_index, rowid, title, text)
    VALUES ('delete', old.id, old.title, old.text);
    INSERT INTO notes_index (rowid, title, text) VALUES (new.id, new.title, new.text);
END;
CREATE TRIGGER notes_to_compare_again AFTER UPDATE OF path, gone ON notes
WHEN (old.path, old.gone) IS NOT (new.path, new.gone)
BEGIN
    UPDATE curated SET compared = 0 WHERE note_id = new.id;
END;
CREATE TRIGGER notes_to_curate_again AFTER UPDATE OF title, text, author, voices ON notes
WHEN (old.title, old.text, old.author, old.voices)
    IS NOT (new.title, new.text, new.author, new.voices)
BEGIN
    DELETE FROM curated WHERE note_id = new.id;
    DELETE FROM findings WHERE note_id = new.id;
    DELETE FROM likenesses WHERE note_id = new.id OR other_id = new.id;
END;
CREATE TRIGGER passages_deleted AFTER DELETE ON passages BEGIN
    DELETE FROM indexed WHERE passage_id = old.id;
END;
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

-- Which notes stay depends on those that are there: without this one all are compared again.
CREATE TRIGGER notes_to_compare_without AFTER DELETE ON notes BEGIN
    UPDATE curated SET compared = 0
        WHERE note_id = (SELECT note_id FROM curated WHERE note_id <> old.id LIMIT 1);
END;

-- What was deleted and can be restored, but for what is in folders of its own.
CREATE TABLE bin (
    id       TEXT PRIMARY KEY,
    kind     TEXT NOT NULL,
    name     TEXT NOT NULL,                    -- by which the person knows it
    deleted  REAL NOT NULL,                    -- Unix time
    number   INTEGER NOT NULL,                 -- of its row, which it gets again
    bytes    INTEGER NOT NULL,                 -- of its content
    content  TEXT NOT NULL                     -- JSON {table: [{column: value}]}, owners first
) STRICT;
CREATE INDEX bin_by_age ON bin (deleted);
CREATE INDEX bin_by_number ON bin (kind, number);

-- Notes that the person deleted: an import that finds them again leaves them out. What is known of
-- them tells them from others of their file, as for notes that are there.
CREATE TABLE deleted_notes (
    note_id  INTEGER PRIMARY KEY,
    path     TEXT NOT NULL,
    source   TEXT NOT NULL,
    file     TEXT NOT NULL,
    part     TEXT NOT NULL,
    kind     TEXT NOT NULL,
    title    TEXT NOT NULL,
    sha256   TEXT NOT NULL,
    created  REAL NOT NULL
) STRICT;
CREATE INDEX deleted_notes_of_file ON deleted_notes (file);

-- What adapters in the bin had learned, to be known again when they come back.
CREATE TABLE unlearned (
    item     TEXT NOT NULL,                    -- the adapter's id in the bin
    note_id  INTEGER NOT NULL REFERENCES notes (id) ON DELETE CASCADE,
    sha256   TEXT NOT NULL,
    PRIMARY KEY (item, note_id)
) STRICT, WITHOUT ROWID;

-- Samples that the person deleted: study does not write them again about their passage.
CREATE TABLE deleted_samples (
    sample_id  INTEGER PRIMARY KEY,
    note_id    INTEGER NOT NULL REFERENCES notes (id) ON DELETE CASCADE,
    passage    BLOB NOT NULL,
    kind       TEXT NOT NULL,
    key        TEXT NOT NULL,
    quote      TEXT NOT NULL
) STRICT;
CREATE INDEX deleted_samples_of_note ON deleted_samples (note_id, passage);
