-- Units by lot, one row a load, in the order of loading (first in, first out).
CREATE TABLE stock (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    slot TEXT NOT NULL,
    gtin TEXT NOT NULL,
    lot TEXT,
    expiry TEXT,
    production TEXT,
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    seal INTEGER AS (row_seal(id, slot, gtin, lot, expiry, production, quantity)) STORED
) STRICT;
CREATE INDEX stock_by_slot ON stock (slot, id);
-- One row a payment reference, for ever: the same reference never vends twice.
CREATE TABLE vend (
    payment_reference TEXT PRIMARY KEY,
    sale TEXT NOT NULL UNIQUE,
    slot TEXT NOT NULL,
    door TEXT NOT NULL,
    state TEXT NOT NULL,
    buyer_reference TEXT NOT NULL,
    sealed_contact TEXT NOT NULL,
    currency TEXT NOT NULL,
    stock_id INTEGER,
    line TEXT,
    rules_version INTEGER NOT NULL,
    answer TEXT NOT NULL,
    seal INTEGER AS (
        row_seal(
            payment_reference, sale, slot, door, state, buyer_reference, sealed_contact, currency,
            stock_id, line, rules_version, answer
        )
    ) STORED
) STRICT, WITHOUT ROWID;
CREATE INDEX vend_by_state ON vend (state);
CREATE TABLE vend_history (
    id INTEGER PRIMARY KEY,
    sale TEXT NOT NULL,
    state TEXT NOT NULL,
    at TEXT NOT NULL,
    seal INTEGER AS (row_seal(id, sale, state, at)) STORED
) STRICT;
-- Failures in a row; a paused slot sells again after it was counted or loaded.
CREATE TABLE slot_health (
    slot TEXT PRIMARY KEY,
    failures INTEGER NOT NULL,
    seal INTEGER AS (row_seal(slot, failures)) STORED
) STRICT, WITHOUT ROWID;
-- Doors that are open, so that their closing finds cause and duration after a reboot.
CREATE TABLE open_door (
    door TEXT PRIMARY KEY,
    cause TEXT NOT NULL,
    opened_at TEXT NOT NULL,
    seal INTEGER AS (row_seal(door, cause, opened_at)) STORED
) STRICT, WITHOUT ROWID;
