-- What an import knows of each file it opened. A file of many parts has many notes.
CREATE TABLE files (
    path      TEXT PRIMARY KEY,            -- absolute
    source    TEXT NOT NULL,               -- the folder or file that the person imported
    size      INTEGER NOT NULL,            -- in bytes
    mtime_ns  INTEGER NOT NULL,
    sha256    TEXT NOT NULL,               -- of its bytes; '' when they were not read to the end
    readers   INTEGER NOT NULL,            -- the version of the readers that read it
    gone      INTEGER NOT NULL DEFAULT 0   -- it is no longer there
) STRICT;
CREATE INDEX files_by_content ON files (sha256);
INSERT INTO files SELECT path, source, size, mtime_ns, sha256, 0, gone FROM notes;

ALTER TABLE notes DROP COLUMN size;
ALTER TABLE notes DROP COLUMN mtime_ns;
-- The file that a note came from. The note's path is the same, with its part where there are more.
ALTER TABLE notes ADD COLUMN file TEXT NOT NULL DEFAULT '';
ALTER TABLE notes ADD COLUMN part TEXT NOT NULL DEFAULT '';
ALTER TABLE notes ADD COLUMN kind TEXT NOT NULL DEFAULT 'text';
-- When it was written, in seconds since 1970: as it says itself, else as its file says.
ALTER TABLE notes ADD COLUMN created REAL NOT NULL DEFAULT 0;
ALTER TABLE notes ADD COLUMN author TEXT NOT NULL DEFAULT '';
-- JSON [[start, end], ...]: characters of the text that the person wrote; NULL where a text has
-- one voice, or where that cannot be told.
ALTER TABLE notes ADD COLUMN own_words TEXT;
-- What of the file is not in the text, in plain words.
ALTER TABLE notes ADD COLUMN left_out TEXT NOT NULL DEFAULT '';
UPDATE notes SET
    file = path,
    created = (SELECT mtime_ns / 1e9 FROM files WHERE files.path = notes.path);
CREATE INDEX notes_of_file ON notes (file);

ALTER TABLE skipped ADD COLUMN file TEXT NOT NULL DEFAULT '';
UPDATE skipped SET file = path;
CREATE INDEX skipped_of_file ON skipped (file);
