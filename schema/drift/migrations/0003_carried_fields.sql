-- Fields of rows that an upgrade takes over and no column holds.

CREATE TABLE carried_fields (
    table_name TEXT NOT NULL,
    row_id TEXT NOT NULL,
    fields TEXT NOT NULL CHECK (json_valid(fields)),
    PRIMARY KEY (table_name, row_id)
) STRICT, WITHOUT ROWID;
