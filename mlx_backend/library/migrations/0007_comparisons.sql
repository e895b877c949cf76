-- curated.compared is 0 for what is to be compared, 2 while it is and 1 when it was, with all others
-- as they and it are now. What changes a note meanwhile sets it back to 0.
DROP INDEX curated_to_compare;
CREATE INDEX curated_to_compare ON curated (note_id) WHERE compared <> 1;
