-- What models that read wrote. Their samples may quote passages of other notes as well:
-- JSON [[note id, digest of the passage in hexadecimal digits], ...].
ALTER TABLE samples ADD COLUMN others TEXT NOT NULL DEFAULT '[]';

-- Which genres of questions a reader is done with, between blanks; '' of other writers.
ALTER TABLE studied ADD COLUMN genres TEXT NOT NULL DEFAULT '';

-- Nothing stays of a note that is deleted, not even where another note's sample quotes it. Should the
-- note come back, its genre is studied again.
CREATE INDEX samples_of_several ON samples (note_id, passage, writer) WHERE others <> '[]';
CREATE TRIGGER samples_of_several_notes AFTER DELETE ON notes BEGIN
    UPDATE studied SET genres = trim(replace(' ' || genres || ' ', ' notes ', ' '))
        WHERE (note_id, passage, writer) IN (
            SELECT note_id, passage, writer FROM samples WHERE others <> '[]'
            AND EXISTS (SELECT 1 FROM json_each(others) AS other WHERE other.value ->> 0 = old.id)
        );
    DELETE FROM samples WHERE others <> '[]'
        AND EXISTS (SELECT 1 FROM json_each(others) AS other WHERE other.value ->> 0 = old.id);
END;
