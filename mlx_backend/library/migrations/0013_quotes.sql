-- The words of a note that an answer consists of; '' where a model worded it, and for questions.
ALTER TABLE turns ADD COLUMN quote TEXT NOT NULL DEFAULT '';
-- Of earlier answers those are quotes that have one source and stand in it word for word, behind
-- its title.
UPDATE turns SET quote = substr(text, length(citations ->> '$[0].title') + 3)
WHERE json_valid(citations)
    AND json_array_length(citations) = 1
    AND text LIKE '_%: _%'
    AND substr(text, 1, length(citations ->> '$[0].title') + 2) = (citations ->> '$[0].title') || ': ';
UPDATE turns SET quote = text
WHERE quote = ''
    AND json_valid(citations)
    AND json_array_length(citations) = 1
    AND (citations ->> '$[0].title') <> ''
    AND substr(text, 1, length(citations ->> '$[0].title')) = citations ->> '$[0].title';
UPDATE turns SET quote = ''
WHERE quote <> '' AND NOT EXISTS (
    SELECT 1 FROM notes WHERE id = citations ->> '$[0].note' AND instr(notes.text, quote) > 0
);
