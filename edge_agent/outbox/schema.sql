-- The two replicated lanes (protocol v1, P-1 .. P-8). `head` is the newest sequence written,
-- `committed` the newest the server said is in its database; written along with the next append.
CREATE TABLE lane (
    name TEXT PRIMARY KEY,
    epoch TEXT NOT NULL,
    head INTEGER NOT NULL,
    floor INTEGER NOT NULL,
    committed INTEGER NOT NULL,
    seal INTEGER AS (row_seal(name, epoch, head, floor, committed)) STORED
) STRICT, WITHOUT ROWID;
CREATE TABLE journal (
    seq INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    mono_ms INTEGER NOT NULL,
    boot TEXT NOT NULL,
    clock TEXT NOT NULL,
    type TEXT NOT NULL,
    body BLOB NOT NULL,
    seal INTEGER AS (row_seal(seq, at, mono_ms, boot, clock, type, body)) STORED
) STRICT;
CREATE TABLE telemetry (
    seq INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    mono_ms INTEGER NOT NULL,
    boot TEXT NOT NULL,
    part TEXT NOT NULL,
    metric TEXT NOT NULL,
    value REAL NOT NULL,
    seal INTEGER AS (row_seal(seq, at, mono_ms, boot, part, metric, value)) STORED
) STRICT;
-- How far the journal was acknowledged at which time; one row an hour at most (P-7).
CREATE TABLE acknowledged (
    through INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    seal INTEGER AS (row_seal(through, at)) STORED
) STRICT;
