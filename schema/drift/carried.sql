-- What came along from another store and has no column here: nothing that was known is lost.

-- one row per row that was taken over with fields which no column of its table holds, or which no table holds
CREATE TABLE carried_fields (
    table_name TEXT NOT NULL,                      -- of what no table holds: the file that it stood in
    row_id TEXT NOT NULL,                          -- what tells the row from others, joined by colons: `pattern:file:line:column`; of what no table holds: the place in its file
    fields TEXT NOT NULL CHECK (json_valid(fields)),  -- {field, dotted where it stood in an object: value}
    PRIMARY KEY (table_name, row_id)
) STRICT, WITHOUT ROWID;
