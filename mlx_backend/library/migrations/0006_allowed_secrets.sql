-- What is private in a note and the person lets training see all the same: each finding by a keyed
-- digest of its kind and value. The key is not in this file. What is found later is masked.
CREATE TABLE allowed_secrets (
    note_id  INTEGER NOT NULL REFERENCES notes (id) ON DELETE CASCADE,
    digest   BLOB NOT NULL,
    PRIMARY KEY (note_id, digest)
) STRICT, WITHOUT ROWID;
-- Before, a decision held for whatever a note would ever have in it; nobody knows for what it was
-- given.
DELETE FROM undone WHERE step = 'secrets';
