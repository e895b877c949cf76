CREATE TABLE notes (
    id              INTEGER PRIMARY KEY,
    path            TEXT NOT NULL UNIQUE,      -- absolute path of the file it came from
    source          TEXT NOT NULL,             -- the folder or file that the person imported
    title           TEXT NOT NULL,
    text            TEXT NOT NULL,
    size            INTEGER NOT NULL,          -- bytes of the file
    mtime_ns        INTEGER NOT NULL,
    sha256          TEXT NOT NULL,             -- of the file's bytes
    words           INTEGER NOT NULL,
    tokens          INTEGER NOT NULL,          -- in the starter model's tokens
    imported_at     REAL NOT NULL,
    included        INTEGER NOT NULL DEFAULT 1,
    gone            INTEGER NOT NULL DEFAULT 0, -- the file is no longer there
    learned_sha256  TEXT,                      -- the version that an adapter was trained on
    learned_by      TEXT                       -- that adapter
) STRICT;

CREATE TABLE passages (
    id        INTEGER PRIMARY KEY,
    note_id   INTEGER NOT NULL REFERENCES notes (id) ON DELETE CASCADE,
    position  INTEGER NOT NULL,                -- its place in the note, from 0
    start     INTEGER NOT NULL,                -- first character in the note's text
    end       INTEGER NOT NULL,                -- one past the last
    heading   TEXT NOT NULL,                   -- the headings above it, outermost first
    UNIQUE (note_id, position)
) STRICT;

CREATE TABLE skipped (
    path    TEXT PRIMARY KEY,
    source  TEXT NOT NULL,
    reason  TEXT NOT NULL,
    at      REAL NOT NULL
) STRICT;

CREATE VIRTUAL TABLE notes_index USING fts5 (
    title, text, content = 'notes', content_rowid = 'id',
    tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
);
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

CREATE TABLE conversations (
    id          INTEGER PRIMARY KEY,
    title       TEXT NOT NULL,
    created_at  REAL NOT NULL,
    updated_at  REAL NOT NULL
) STRICT;

CREATE TABLE turns (
    id               INTEGER PRIMARY KEY,
    conversation_id  INTEGER NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    role             TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
    text             TEXT NOT NULL,
    adapter          TEXT,                     -- who answered; NULL is the base model
    at               REAL NOT NULL
) STRICT;
CREATE INDEX turns_of_conversation ON turns (conversation_id, id);
