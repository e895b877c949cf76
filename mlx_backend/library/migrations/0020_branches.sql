-- A conversation is a tree of questions, with the answers to each. `parent` of a question is the
-- question that it follows, 0 for none; of an answer, its question. NULL, as in all that was stored
-- before, also in the bin: the last question before it.
ALTER TABLE turns ADD COLUMN parent INTEGER;
-- Why an answer ended: 'stop', 'length' or 'cancelled'; 'live' while it is given, and 'broken' where
-- the window went away meanwhile. These two are not in the index of words yet.
ALTER TABLE turns ADD COLUMN ended TEXT NOT NULL DEFAULT 'stop';
ALTER TABLE turns ADD COLUMN seed INTEGER;                            -- it was sampled with
ALTER TABLE turns ADD COLUMN attachments TEXT NOT NULL DEFAULT '';    -- of a question, as JSON
ALTER TABLE turns ADD COLUMN looked_up TEXT NOT NULL DEFAULT '';      -- passages not used, as JSON

ALTER TABLE conversations ADD COLUMN shown INTEGER;                   -- the last question on show
ALTER TABLE conversations ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN settings TEXT NOT NULL DEFAULT '';  -- that differ, as JSON

-- What the person thinks of an answer.
CREATE TABLE judgements (
    turn_id  INTEGER PRIMARY KEY REFERENCES turns (id) ON DELETE CASCADE,
    verdict  INTEGER NOT NULL,                 -- 1 good, -1 bad, 0 neither
    wanted   TEXT NOT NULL DEFAULT '',         -- what they would have said
    at       REAL NOT NULL                     -- Unix time
) STRICT;

CREATE VIRTUAL TABLE titles_index USING fts5 (
    title, content = '',
    tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'", prefix = '1 2 3'
);
INSERT INTO titles_index (rowid, title) SELECT id, segmented(title) FROM conversations;
CREATE TRIGGER titles_inserted AFTER INSERT ON conversations BEGIN
    INSERT INTO titles_index (rowid, title) VALUES (new.id, segmented(new.title));
END;
CREATE TRIGGER titles_deleted AFTER DELETE ON conversations BEGIN
    INSERT INTO titles_index (titles_index, rowid, title)
    VALUES ('delete', old.id, segmented(old.title));
END;
CREATE TRIGGER titles_updated AFTER UPDATE OF title ON conversations BEGIN
    INSERT INTO titles_index (titles_index, rowid, title)
    VALUES ('delete', old.id, segmented(old.title));
    INSERT INTO titles_index (rowid, title) VALUES (new.id, segmented(new.title));
END;

CREATE VIRTUAL TABLE turns_index USING fts5 (
    text, content = '',
    tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'", prefix = '1 2 3'
);
INSERT INTO turns_index (rowid, text) SELECT id, segmented(text) FROM turns;
CREATE TRIGGER turns_inserted AFTER INSERT ON turns WHEN new.ended NOT IN ('live', 'broken') BEGIN
    INSERT INTO turns_index (rowid, text) VALUES (new.id, segmented(new.text));
END;
CREATE TRIGGER turns_deleted AFTER DELETE ON turns WHEN old.ended NOT IN ('live', 'broken') BEGIN
    INSERT INTO turns_index (turns_index, rowid, text)
    VALUES ('delete', old.id, segmented(old.text));
END;
CREATE TRIGGER turns_reworded AFTER UPDATE OF text, ended ON turns
WHEN old.ended NOT IN ('live', 'broken') BEGIN
    INSERT INTO turns_index (turns_index, rowid, text)
    VALUES ('delete', old.id, segmented(old.text));
END;
CREATE TRIGGER turns_ended AFTER UPDATE OF text, ended ON turns
WHEN new.ended NOT IN ('live', 'broken') BEGIN
    INSERT INTO turns_index (rowid, text) VALUES (new.id, segmented(new.text));
END;
