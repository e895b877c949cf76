-- Which passages an answer is from, as JSON; '' for an answer from memory.
ALTER TABLE turns ADD COLUMN citations TEXT NOT NULL DEFAULT '';
