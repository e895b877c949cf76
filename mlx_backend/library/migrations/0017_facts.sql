-- The ledger of coverage: each fact that an adapter was trained on, and whether it knows it.
CREATE TABLE facts (
    adapter   TEXT NOT NULL,                   -- the adapter's id
    fact      TEXT NOT NULL,                   -- its name: a hash of its note and words
    note_id   INTEGER NOT NULL REFERENCES notes (id) ON DELETE CASCADE,
    wordings  INTEGER NOT NULL,                -- trained questions for it
    both_ways INTEGER NOT NULL,                -- whether they ask for different parts of it
    known     INTEGER,                         -- NULL: not asked for after the training
    PRIMARY KEY (adapter, fact)
) STRICT, WITHOUT ROWID;
CREATE INDEX facts_of_note ON facts (note_id);
