-- One row a payment reference, for ever, as in `vend`. `shelves` are the weights before with what
-- the planogram said, `offers` prices and notices as they were shown: a sale is settled by those.
CREATE TABLE session (
    payment_reference TEXT PRIMARY KEY,
    sale TEXT NOT NULL UNIQUE,
    door TEXT NOT NULL,
    state TEXT NOT NULL,
    buyer_reference TEXT NOT NULL,
    sealed_contact TEXT NOT NULL,
    currency TEXT NOT NULL,
    rules_version INTEGER NOT NULL,
    shelves TEXT NOT NULL,
    offers TEXT NOT NULL,
    interrupted INTEGER NOT NULL,
    answer TEXT NOT NULL,
    seal INTEGER AS (
        row_seal(
            payment_reference, sale, door, state, buyer_reference, sealed_contact, currency,
            rules_version, shelves, offers, interrupted, answer
        )
    ) STORED
) STRICT, WITHOUT ROWID;
CREATE INDEX session_by_state ON session (state);
-- Slots that ever held goods: only they can be sold out.
CREATE TABLE slot_filled (
    slot TEXT PRIMARY KEY,
    seal INTEGER AS (row_seal(slot)) STORED
) STRICT, WITHOUT ROWID;
