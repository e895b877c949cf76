-- Folders that are imported again by themselves when something in them changes.
CREATE TABLE watched (
    path   TEXT PRIMARY KEY,                   -- of an imported folder
    state  TEXT NOT NULL DEFAULT ''            -- its fingerprint when it was imported last
) STRICT;
