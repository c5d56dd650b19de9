-- The newest signed documents, kept as they came so that their signature is checked at each boot.
-- `announced` says whether the journal holds the event that acknowledges the document.
CREATE TABLE signed_document (
    kind TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    digest TEXT NOT NULL,
    envelope BLOB NOT NULL,
    announced INTEGER NOT NULL,
    seal INTEGER AS (row_seal(kind, version, digest, envelope, announced)) STORED
) STRICT, WITHOUT ROWID;
