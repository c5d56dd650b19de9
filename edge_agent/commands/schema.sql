-- One row an order; no outcome yet means it was begun. Results stay 30 days (P-13).
CREATE TABLE command (
    id TEXT PRIMARY KEY,
    counter INTEGER NOT NULL,
    outcome TEXT,
    detail TEXT NOT NULL,
    result TEXT NOT NULL,
    at TEXT NOT NULL,
    seal INTEGER AS (row_seal(id, counter, outcome, detail, result, at)) STORED
) STRICT, WITHOUT ROWID;
