-- What was seen to be due to leave the bin, and when first: it goes only when it still is a day later.
CREATE TABLE bin_due (
    item  TEXT PRIMARY KEY,
    seen  REAL NOT NULL                        -- Unix time
) STRICT;
