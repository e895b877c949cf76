-- Whether no model worded an answer, and how many questions, from the first on, the model did not see.
ALTER TABLE turns ADD COLUMN from_notes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE turns ADD COLUMN left_out INTEGER NOT NULL DEFAULT 0;
-- Of earlier answers that the notes do not say, hardly any was worded by a model.
UPDATE turns SET from_notes = 1
WHERE quote <> '' OR (role = 'assistant' AND text = 'The notes do not say.');
