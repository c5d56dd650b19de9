"""First schema."""

import sqlalchemy as sa
from alembic import op

from fleet_server.database import Json, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "active_rules",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("recall_id", sa.String(length=36), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("rule", Json, nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_active_rules")),
    )
    with op.batch_alter_table("active_rules", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_active_rules_recall_id"), ["recall_id"], unique=False)

    op.create_table(
        "audit_entries",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("action", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("object_id", sa.String(length=80), nullable=False),
        sa.Column("site_id", sa.String(length=40), nullable=True),
        sa.Column("details", Json, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_entries")),
    )
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_entries_actor"), ["actor"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_entries_object_id"), ["object_id"], unique=False)

    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "cursors",
        sa.Column("cabinet_id", sa.String(length=32), nullable=False),
        sa.Column("lane", sa.String(length=10), nullable=False),
        sa.Column("epoch", sa.String(length=64), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("committed", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("cabinet_id", "lane", "epoch", name=op.f("pk_cursors")),
    )
    op.create_table(
        "dead_letters",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("cabinet_id", sa.String(length=32), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("epoch", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letters")),
    )
    with op.batch_alter_table("dead_letters", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_dead_letters_cabinet_id"), ["cabinet_id"], unique=False
        )

    op.create_table(
        "holds",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("scope", Json, nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("notice_zh", sa.String(length=300), nullable=False),
        sa.Column("notice_en", sa.String(length=300), nullable=False),
        sa.Column("set_by", sa.String(length=80), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("renewed_at", UtcDateTime(), nullable=True),
        sa.Column("look_at", UtcDateTime(), nullable=True),
        sa.Column("warned_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("recall_id", sa.String(length=36), nullable=True),
        sa.Column("rules_version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
    )
    with op.batch_alter_table("holds", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_holds_look_at"), ["look_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_holds_state"), ["state"], unique=False)

    op.create_table(
        "journal_events",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("cabinet_id", sa.String(length=32), nullable=False),
        sa.Column("epoch", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("mono_ms", sa.BigInteger(), nullable=False),
        sa.Column("boot", sa.String(length=64), nullable=False),
        sa.Column("clock", sa.String(length=12), nullable=False),
        sa.Column("type", sa.String(length=60), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal_events")),
    )
    with op.batch_alter_table("journal_events", schema=None) as batch_op:
        batch_op.create_index("ix_journal_events_cabinet_at", ["cabinet_id", "at"], unique=False)
        batch_op.create_index(
            "uq_journal_events_position", ["cabinet_id", "epoch", "seq"], unique=True
        )

    op.create_table(
        "journal_gaps",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("cabinet_id", sa.String(length=32), nullable=False),
        sa.Column("lane", sa.String(length=10), nullable=False),
        sa.Column("epoch", sa.String(length=64), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("found_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal_gaps")),
    )
    with op.batch_alter_table("journal_gaps", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_journal_gaps_cabinet_id"), ["cabinet_id"], unique=False
        )

    op.create_table(
        "kept_answers",
        sa.Column("caller", sa.String(length=80), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("answer", Json, nullable=False),
        sa.Column("kept_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("caller", "key", name=op.f("pk_kept_answers")),
    )
    with op.batch_alter_table("kept_answers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_kept_answers_kept_at"), ["kept_at"], unique=False)

    op.create_table(
        "live_changes",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("topic", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("object_id", sa.String(length=80), nullable=False),
        sa.Column("site_id", sa.String(length=36), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_live_changes")),
    )
    with op.batch_alter_table("live_changes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_live_changes_at"), ["at"], unique=False)

    op.create_table(
        "login_attempts",
        sa.Column("username", sa.String(length=60), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_failure_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("username", name=op.f("pk_login_attempts")),
    )
    op.create_table(
        "notices",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("audience", sa.String(length=80), nullable=False),
        sa.Column("urgency", sa.String(length=10), nullable=False),
        sa.Column("title_zh", sa.String(length=200), nullable=False),
        sa.Column("title_en", sa.String(length=200), nullable=False),
        sa.Column("body_zh", sa.Text(), nullable=False),
        sa.Column("body_en", sa.Text(), nullable=False),
        sa.Column("about_kind", sa.String(length=40), nullable=False),
        sa.Column("about_id", sa.String(length=80), nullable=False),
        sa.Column("site_id", sa.String(length=36), nullable=True),
        sa.Column("region", sa.String(length=40), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", UtcDateTime(), nullable=True),
        sa.Column("sent_to", Json, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("acknowledged_at", UtcDateTime(), nullable=True),
        sa.Column("acknowledged_by", sa.String(length=80), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.create_index("ix_notices_about", ["about_kind", "about_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_notices_audience"), ["audience"], unique=False)
        batch_op.create_index("ix_notices_due", ["state", "next_attempt_at"], unique=False)

    op.create_table(
        "outbound_messages",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("topic", sa.String(length=120), nullable=False),
        sa.Column("qos", sa.SmallInteger(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("not_after", UtcDateTime(), nullable=True),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("set_aside_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_outbound_messages")),
    )
    op.create_table(
        "products",
        sa.Column("gtin", sa.String(length=14), nullable=False),
        sa.Column("name_zh", sa.String(length=120), nullable=False),
        sa.Column("name_en", sa.String(length=120), nullable=False),
        sa.Column("category", sa.String(length=60), nullable=False),
        sa.Column("shelf_life_days", sa.Integer(), nullable=True),
        sa.Column("near_expiry_days", sa.Integer(), nullable=False),
        sa.Column("perishable", sa.Boolean(), nullable=False),
        sa.Column("chilled", sa.Boolean(), nullable=False),
        sa.Column("returnable", sa.Boolean(), nullable=False),
        sa.Column("price_minor", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("gtin", name=op.f("pk_products")),
    )
    with op.batch_alter_table("products", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_products_category"), ["category"], unique=False)

    op.create_table(
        "refund_orders",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("purpose", sa.String(length=160), nullable=False),
        sa.Column("charge", sa.String(length=120), nullable=False),
        sa.Column("charged_minor", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("payment_reference", sa.String(length=128), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("site_id", sa.String(length=36), nullable=True),
        sa.Column("requested_by", sa.String(length=80), nullable=False),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        sa.Column("look_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund_orders")),
        sa.UniqueConstraint("purpose", name=op.f("uq_refund_orders_purpose")),
    )
    with op.batch_alter_table("refund_orders", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_refund_orders_charge"), ["charge"], unique=False)
        batch_op.create_index("ix_refund_orders_due", ["look_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_refund_orders_site_id"), ["site_id"], unique=False)

    op.create_table(
        "rule_sets",
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("issued_at", UtcDateTime(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("envelope", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_rule_sets")),
    )
    op.create_table(
        "service_clocks",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("owner_kind", sa.String(length=20), nullable=False),
        sa.Column("owner_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("policy", sa.String(length=60), nullable=False),
        sa.Column("accountable", sa.String(length=80), nullable=False),
        sa.Column("site_id", sa.String(length=36), nullable=True),
        sa.Column("region", sa.String(length=40), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("target_seconds", sa.Float(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("paused_seconds", sa.Float(), nullable=False),
        sa.Column("paused_since", UtcDateTime(), nullable=True),
        sa.Column("warned_percent", sa.Integer(), nullable=False),
        sa.Column("breached_at", UtcDateTime(), nullable=True),
        sa.Column("stopped_at", UtcDateTime(), nullable=True),
        sa.Column("met", sa.Boolean(), nullable=True),
        sa.Column("look_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_clocks")),
    )
    with op.batch_alter_table("service_clocks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_service_clocks_look_at"), ["look_at"], unique=False)
        batch_op.create_index("ix_service_clocks_owner", ["owner_kind", "owner_id"], unique=False)

    op.create_table(
        "service_policy_in_force",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("reference", sa.String(length=60), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_policy_in_force")),
    )
    op.create_table(
        "sites",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("address", sa.String(length=300), nullable=False),
        sa.Column("region", sa.String(length=40), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=False),
        sa.Column("time_zone", sa.String(length=40), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sites")),
    )
    with op.batch_alter_table("sites", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sites_region"), ["region"], unique=False)

    op.create_table(
        "telemetry_batches",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("cabinet_id", sa.String(length=32), nullable=False),
        sa.Column("epoch", sa.String(length=64), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("begins_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("samples", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemetry_batches")),
    )
    with op.batch_alter_table("telemetry_batches", schema=None) as batch_op:
        batch_op.create_index(
            "ix_telemetry_batches_cabinet_at", ["cabinet_id", "ends_at"], unique=False
        )

    op.create_table(
        "users",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("username", sa.String(length=60), nullable=False),
        sa.Column("display_name", sa.String(length=120), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("username", name=op.f("uq_users_username")),
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_api_tokens_user_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_api_tokens_secret_hash")),
    )
    with op.batch_alter_table("api_tokens", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_tokens_user_id"), ["user_id"], unique=False)

    op.create_table(
        "cabinets",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("serial_number", sa.String(length=60), nullable=False),
        sa.Column("site_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("uplink", sa.String(length=10), nullable=False),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("perishable", sa.Boolean(), nullable=False),
        sa.Column("credential_hash", sa.String(length=64), nullable=True),
        sa.Column("reenrolment_approved", sa.Boolean(), nullable=False),
        sa.Column("muted_until", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_cabinets_site_id_sites")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cabinets")),
        sa.UniqueConstraint("serial_number", name=op.f("uq_cabinets_serial_number")),
    )
    with op.batch_alter_table("cabinets", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_cabinets_muted_until"), ["muted_until"], unique=False)
        batch_op.create_index(batch_op.f("ix_cabinets_site_id"), ["site_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_cabinets_state"), ["state"], unique=False)

    op.create_table(
        "hold_history",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("hold_id", sa.String(length=36), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("what", sa.String(length=20), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["hold_id"], ["holds.id"], name=op.f("fk_hold_history_hold_id_holds")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_hold_history")),
    )
    with op.batch_alter_table("hold_history", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_hold_history_hold_id"), ["hold_id"], unique=False)

    op.create_table(
        "logins",
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_logins_user_id_users")),
        sa.PrimaryKeyConstraint("secret_hash", name=op.f("pk_logins")),
    )
    with op.batch_alter_table("logins", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_logins_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_logins_user_id"), ["user_id"], unique=False)

    op.create_table(
        "lots",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("gtin", sa.String(length=14), nullable=False),
        sa.Column("lot", sa.String(length=40), nullable=False),
        sa.Column("expiry", sa.Date(), nullable=True),
        sa.Column("production", sa.Date(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["gtin"], ["products.gtin"], name=op.f("fk_lots_gtin_products")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lots")),
    )
    with op.batch_alter_table("lots", schema=None) as batch_op:
        batch_op.create_index("uq_lots_gtin_lot", ["gtin", "lot"], unique=True)

    op.create_table(
        "recalls",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("recall_class", sa.String(length=3), nullable=False),
        sa.Column("mock", sa.Boolean(), nullable=False),
        sa.Column("content", Json, nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("hold_id", sa.String(length=36), nullable=True),
        sa.Column("policy", sa.String(length=60), nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("approved_by", sa.String(length=80), nullable=True),
        sa.Column("approved_at", UtcDateTime(), nullable=True),
        sa.Column("approved_hash", sa.String(length=64), nullable=True),
        sa.Column("activated_at", UtcDateTime(), nullable=True),
        sa.Column("rules_version", sa.BigInteger(), nullable=True),
        sa.Column("withdrawal_asked_by", sa.String(length=80), nullable=True),
        sa.Column("rescan_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["hold_id"], ["holds.id"], name=op.f("fk_recalls_hold_id_holds")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recalls")),
    )
    with op.batch_alter_table("recalls", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recalls_rescan_at"), ["rescan_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_recalls_state"), ["state"], unique=False)

    op.create_table(
        "refund_history",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("refund_id", sa.String(length=36), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["refund_id"],
            ["refund_orders.id"],
            name=op.f("fk_refund_history_refund_id_refund_orders"),
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_refund_history")),
    )
    with op.batch_alter_table("refund_history", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_refund_history_refund_id"), ["refund_id"], unique=False
        )

    op.create_table(
        "service_clock_steps",
        sa.Column("clock_id", sa.String(length=36), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("amount", sa.Float(), nullable=False),
        sa.Column("cause", Json, nullable=False),
        sa.ForeignKeyConstraint(
            ["clock_id"],
            ["service_clocks.id"],
            name=op.f("fk_service_clock_steps_clock_id_service_clocks"),
        ),
        sa.PrimaryKeyConstraint("clock_id", "seq", name=op.f("pk_service_clock_steps")),
    )
    op.create_table(
        "technicians",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=True),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("skills", Json, nullable=False),
        sa.Column("region", sa.String(length=40), nullable=True),
        sa.Column("home_latitude", sa.Float(), nullable=False),
        sa.Column("home_longitude", sa.Float(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_technicians_user_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_technicians")),
        sa.UniqueConstraint("user_id", name=op.f("uq_technicians_user_id")),
    )
    op.create_table(
        "user_grants",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("role", sa.String(length=30), nullable=False),
        sa.Column("site_id", sa.String(length=36), nullable=True),
        sa.Column("region", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_user_grants_user_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_grants")),
    )
    with op.batch_alter_table("user_grants", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_user_grants_user_id"), ["user_id"], unique=False)

    op.create_table(
        "cabinet_commands",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("cabinet_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=30), nullable=False),
        sa.Column("args", Json, nullable=False),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("session", sa.BigInteger(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cabinet_id"], ["cabinets.id"], name=op.f("fk_cabinet_commands_cabinet_id_cabinets")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cabinet_commands")),
    )
    with op.batch_alter_table("cabinet_commands", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_cabinet_commands_state"), ["state"], unique=False)
        batch_op.create_index("uq_cabinet_commands_counter", ["cabinet_id", "counter"], unique=True)

    op.create_table(
        "cabinet_desired",
        sa.Column("cabinet_id", sa.String(length=32), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", Json, nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("applied_version", sa.BigInteger(), nullable=False),
        sa.Column("refused_key", sa.String(length=80), nullable=False),
        sa.Column("refused_reason", sa.Text(), nullable=False),
        sa.Column("drifting", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cabinet_id"], ["cabinets.id"], name=op.f("fk_cabinet_desired_cabinet_id_cabinets")
        ),
        sa.PrimaryKeyConstraint("cabinet_id", name=op.f("pk_cabinet_desired")),
    )
    op.create_table(
        "cabinet_history",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("cabinet_id", sa.String(length=32), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("what", sa.String(length=40), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("details", Json, nullable=False),
        sa.ForeignKeyConstraint(
            ["cabinet_id"], ["cabinets.id"], name=op.f("fk_cabinet_history_cabinet_id_cabinets")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cabinet_history")),
    )
    with op.batch_alter_table("cabinet_history", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_cabinet_history_cabinet_id"), ["cabinet_id"], unique=False
        )

    op.create_table(
        "cabinet_presence",
        sa.Column("cabinet_id", sa.String(length=32), nullable=False),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("last_heard_at", UtcDateTime(), nullable=True),
        sa.Column("offline_since", UtcDateTime(), nullable=True),
        sa.Column("session", sa.BigInteger(), nullable=False),
        sa.Column("boot", sa.String(length=64), nullable=False),
        sa.Column("clock", sa.String(length=12), nullable=False),
        sa.Column("free_storage_bytes", sa.BigInteger(), nullable=True),
        sa.Column("rules_version", sa.BigInteger(), nullable=False),
        sa.Column("desired_version", sa.BigInteger(), nullable=False),
        sa.Column("command_counter", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cabinet_id"], ["cabinets.id"], name=op.f("fk_cabinet_presence_cabinet_id_cabinets")
        ),
        sa.PrimaryKeyConstraint("cabinet_id", name=op.f("pk_cabinet_presence")),
    )
    op.create_table(
        "claims",
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("cabinet_id", sa.String(length=32), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["cabinet_id"], ["cabinets.id"], name=op.f("fk_claims_cabinet_id_cabinets")
        ),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_claims")),
    )
    with op.batch_alter_table("claims", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_claims_cabinet_id"), ["cabinet_id"], unique=False)

    op.create_table(
        "faults",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("cabinet_id", sa.String(length=32), nullable=False),
        sa.Column("site_id", sa.String(length=36), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("component", sa.String(length=40), nullable=False),
        sa.Column("part", sa.String(length=80), nullable=False),
        sa.Column("severity", sa.String(length=1), nullable=False),
        sa.Column("severity_reported", sa.String(length=1), nullable=False),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("latched", sa.Boolean(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("reading", Json, nullable=False),
        sa.Column("limit", Json, nullable=False),
        sa.Column("cleared_at", UtcDateTime(), nullable=True),
        sa.Column("cleared_by", sa.String(length=10), nullable=False),
        sa.Column("cleared_by_whom", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["cabinet_id"], ["cabinets.id"], name=op.f("fk_faults_cabinet_id_cabinets")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_faults_site_id_sites")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_faults")),
    )
    with op.batch_alter_table("faults", schema=None) as batch_op:
        batch_op.create_index("ix_faults_cabinet_state", ["cabinet_id", "state"], unique=False)
        batch_op.create_index(batch_op.f("ix_faults_code"), ["code"], unique=False)
        batch_op.create_index(batch_op.f("ix_faults_since"), ["since"], unique=False)
        batch_op.create_index(batch_op.f("ix_faults_site_id"), ["site_id"], unique=False)
        batch_op.create_index("ix_faults_state_since", ["state", "since"], unique=False)

    op.create_table(
        "public_notices",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("recall_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("title_zh", sa.String(length=200), nullable=False),
        sa.Column("title_en", sa.String(length=200), nullable=False),
        sa.Column("body_zh", sa.Text(), nullable=False),
        sa.Column("body_en", sa.Text(), nullable=False),
        sa.Column("why", sa.String(length=200), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["recall_id"], ["recalls.id"], name=op.f("fk_public_notices_recall_id_recalls")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_public_notices")),
    )
    with op.batch_alter_table("public_notices", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_public_notices_recall_id"), ["recall_id"], unique=False
        )

    op.create_table(
        "recall_history",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("recall_id", sa.String(length=36), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("what", sa.String(length=20), nullable=False),
        sa.Column("before", sa.String(length=20), nullable=False),
        sa.Column("after", sa.String(length=20), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("person", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["recall_id"], ["recalls.id"], name=op.f("fk_recall_history_recall_id_recalls")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_recall_history")),
    )
    with op.batch_alter_table("recall_history", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_recall_history_recall_id"), ["recall_id"], unique=False
        )

    op.create_table(
        "rules_held",
        sa.Column("cabinet_id", sa.String(length=32), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("blocked", Json, nullable=False),
        sa.ForeignKeyConstraint(
            ["cabinet_id"], ["cabinets.id"], name=op.f("fk_rules_held_cabinet_id_cabinets")
        ),
        sa.PrimaryKeyConstraint("cabinet_id", name=op.f("pk_rules_held")),
    )
    op.create_table(
        "sale_refusals",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("cabinet_id", sa.String(length=32), nullable=False),
        sa.Column("site_id", sa.String(length=36), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("slot", sa.String(length=20), nullable=False),
        sa.Column("gtin", sa.String(length=14), nullable=False),
        sa.Column("recall_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["cabinet_id"], ["cabinets.id"], name=op.f("fk_sale_refusals_cabinet_id_cabinets")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sale_refusals")),
    )
    with op.batch_alter_table("sale_refusals", schema=None) as batch_op:
        batch_op.create_index("ix_sale_refusals_cabinet_at", ["cabinet_id", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_sale_refusals_recall_id"), ["recall_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_sale_refusals_site_id"), ["site_id"], unique=False)

    op.create_table(
        "sales",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("cabinet_id", sa.String(length=32), nullable=False),
        sa.Column("site_id", sa.String(length=36), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("mode", sa.String(length=10), nullable=False),
        sa.Column("settlement", sa.String(length=12), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("total_minor", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("payment_reference", sa.String(length=128), nullable=False),
        sa.Column("buyer_reference", sa.String(length=128), nullable=False),
        sa.Column("sealed_contact", sa.Text(), nullable=False),
        sa.Column("contact_until", UtcDateTime(), nullable=True),
        sa.Column("rules_version", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["cabinet_id"], ["cabinets.id"], name=op.f("fk_sales_cabinet_id_cabinets")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sales")),
    )
    with op.batch_alter_table("sales", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sales_at"), ["at"], unique=False)
        batch_op.create_index("ix_sales_cabinet_at", ["cabinet_id", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_sales_contact_until"), ["contact_until"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_sales_payment_reference"), ["payment_reference"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_sales_site_id"), ["site_id"], unique=False)

    op.create_table(
        "stock_lines",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("cabinet_id", sa.String(length=32), nullable=False),
        sa.Column("slot", sa.String(length=20), nullable=False),
        sa.Column("gtin", sa.String(length=14), nullable=False),
        sa.Column("lot", sa.String(length=60), nullable=False),
        sa.Column("expiry", sa.Date(), nullable=True),
        sa.Column("production", sa.Date(), nullable=True),
        sa.Column("loaded", sa.Integer(), nullable=False),
        sa.Column("sold", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Integer(), nullable=False),
        sa.Column("transferred", sa.Integer(), nullable=False),
        sa.Column("explained", sa.Integer(), nullable=False),
        sa.Column("unexplained", sa.Integer(), nullable=False),
        sa.Column("in_cabinet", sa.Integer(), nullable=False),
        sa.Column("counted_at", UtcDateTime(), nullable=True),
        sa.Column("counted_by", sa.String(length=128), nullable=False),
        sa.Column("moved_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cabinet_id"], ["cabinets.id"], name=op.f("fk_stock_lines_cabinet_id_cabinets")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_lines")),
    )
    with op.batch_alter_table("stock_lines", schema=None) as batch_op:
        batch_op.create_index("ix_stock_lines_gtin_lot", ["gtin", "lot"], unique=False)
        batch_op.create_index(
            "uq_stock_lines_place", ["cabinet_id", "slot", "gtin", "lot"], unique=True
        )

    op.create_table(
        "technician_absences",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("technician_id", sa.String(length=36), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("reason", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(
            ["technician_id"],
            ["technicians.id"],
            name=op.f("fk_technician_absences_technician_id_technicians"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_technician_absences")),
    )
    with op.batch_alter_table("technician_absences", schema=None) as batch_op:
        batch_op.create_index(
            "ix_technician_absences_span", ["technician_id", "ends_at"], unique=False
        )

    op.create_table(
        "technician_qualifications",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("technician_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("skill", sa.String(length=40), nullable=True),
        sa.Column("passed_on", sa.Date(), nullable=True),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["technician_id"],
            ["technicians.id"],
            name=op.f("fk_technician_qualifications_technician_id_technicians"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_technician_qualifications")),
    )
    with op.batch_alter_table("technician_qualifications", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_technician_qualifications_technician_id"),
            ["technician_id"],
            unique=False,
        )

    op.create_table(
        "technician_shifts",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("technician_id", sa.String(length=36), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["technician_id"],
            ["technicians.id"],
            name=op.f("fk_technician_shifts_technician_id_technicians"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_technician_shifts")),
    )
    with op.batch_alter_table("technician_shifts", schema=None) as batch_op:
        batch_op.create_index(
            "ix_technician_shifts_span", ["technician_id", "ends_at"], unique=False
        )

    op.create_table(
        "tickets",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("priority", sa.String(length=2), nullable=False),
        sa.Column("severity", sa.String(length=1), nullable=True),
        sa.Column("title_zh", sa.String(length=200), nullable=False),
        sa.Column("title_en", sa.String(length=200), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("site_id", sa.String(length=36), nullable=False),
        sa.Column("cabinet_id", sa.String(length=32), nullable=True),
        sa.Column("component", sa.String(length=40), nullable=False),
        sa.Column("skill", sa.String(length=40), nullable=False),
        sa.Column("needs_visit", sa.Boolean(), nullable=False),
        sa.Column("origin_kind", sa.String(length=20), nullable=False),
        sa.Column("origin_id", sa.String(length=80), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("policy", sa.String(length=60), nullable=False),
        sa.Column("repeat_of", sa.String(length=36), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("triage_at", UtcDateTime(), nullable=True),
        sa.Column("dispatch_at", UtcDateTime(), nullable=True),
        sa.Column("close_at", UtcDateTime(), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["cabinet_id"], ["cabinets.id"], name=op.f("fk_tickets_cabinet_id_cabinets")
        ),
        sa.ForeignKeyConstraint(
            ["repeat_of"], ["tickets.id"], name=op.f("fk_tickets_repeat_of_tickets")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_tickets_site_id_sites")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tickets")),
    )
    with op.batch_alter_table("tickets", schema=None) as batch_op:
        batch_op.create_index("ix_tickets_cabinet_state", ["cabinet_id", "state"], unique=False)
        batch_op.create_index(batch_op.f("ix_tickets_close_at"), ["close_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_tickets_dispatch_at"), ["dispatch_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_tickets_origin_id"), ["origin_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_tickets_owner"), ["owner"], unique=False)
        batch_op.create_index("ix_tickets_site_state", ["site_id", "state"], unique=False)
        batch_op.create_index(batch_op.f("ix_tickets_triage_at"), ["triage_at"], unique=False)

    op.create_table(
        "vend_failures",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("sale_id", sa.String(length=64), nullable=False),
        sa.Column("cabinet_id", sa.String(length=32), nullable=False),
        sa.Column("site_id", sa.String(length=36), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("slot", sa.String(length=20), nullable=False),
        sa.Column("cause", sa.String(length=120), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("amount_minor", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("refund_id", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(
            ["cabinet_id"], ["cabinets.id"], name=op.f("fk_vend_failures_cabinet_id_cabinets")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vend_failures")),
    )
    with op.batch_alter_table("vend_failures", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_vend_failures_cabinet_id"), ["cabinet_id"], unique=False
        )
        batch_op.create_index("uq_vend_failures_sale_slot", ["sale_id", "slot"], unique=True)

    op.create_table(
        "visits",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("site_id", sa.String(length=36), nullable=False),
        sa.Column("technician_id", sa.String(length=36), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("priority", sa.String(length=2), nullable=False),
        sa.Column("skills", Json, nullable=False),
        sa.Column("policy", sa.String(length=60), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("planned_arrival_at", UtcDateTime(), nullable=True),
        sa.Column("refusals", sa.Integer(), nullable=False),
        sa.Column("ask_again_at", UtcDateTime(), nullable=True),
        sa.Column("nobody_told_at", UtcDateTime(), nullable=True),
        sa.Column("service_seen_at", UtcDateTime(), nullable=True),
        sa.Column("check_in_way", sa.String(length=20), nullable=True),
        sa.Column("checked_in_at", UtcDateTime(), nullable=True),
        sa.Column("check_in_latitude", sa.Float(), nullable=True),
        sa.Column("check_in_longitude", sa.Float(), nullable=True),
        sa.Column("given_back", sa.Boolean(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_visits_site_id_sites")),
        sa.ForeignKeyConstraint(
            ["technician_id"], ["technicians.id"], name=op.f("fk_visits_technician_id_technicians")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visits")),
    )
    with op.batch_alter_table("visits", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_visits_ask_again_at"), ["ask_again_at"], unique=False)
        batch_op.create_index("ix_visits_site_state", ["site_id", "state"], unique=False)
        batch_op.create_index(
            "ix_visits_technician_state", ["technician_id", "state"], unique=False
        )

    op.create_table(
        "fault_history",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("fault_id", sa.String(length=80), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("noted_at", UtcDateTime(), nullable=False),
        sa.Column("what", sa.String(length=10), nullable=False),
        sa.Column("severity", sa.String(length=1), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("details", Json, nullable=False),
        sa.ForeignKeyConstraint(
            ["fault_id"], ["faults.id"], name=op.f("fk_fault_history_fault_id_faults")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_fault_history")),
    )
    with op.batch_alter_table("fault_history", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_fault_history_fault_id"), ["fault_id"], unique=False)

    op.create_table(
        "offers",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("visit_id", sa.String(length=36), nullable=False),
        sa.Column("technician_id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("offered_at", UtcDateTime(), nullable=False),
        sa.Column("deadline", UtcDateTime(), nullable=False),
        sa.Column("arrival_at", UtcDateTime(), nullable=False),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["technician_id"], ["technicians.id"], name=op.f("fk_offers_technician_id_technicians")
        ),
        sa.ForeignKeyConstraint(
            ["visit_id"], ["visits.id"], name=op.f("fk_offers_visit_id_visits")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offers")),
    )
    with op.batch_alter_table("offers", schema=None) as batch_op:
        batch_op.create_index("ix_offers_state_deadline", ["state", "deadline"], unique=False)
        batch_op.create_index(
            "ix_offers_technician_state", ["technician_id", "state"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_offers_visit_id"), ["visit_id"], unique=False)

    op.create_table(
        "recall_buyers",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("recall_id", sa.String(length=36), nullable=False),
        sa.Column("sale_id", sa.String(length=64), nullable=False),
        sa.Column("site_id", sa.String(length=36), nullable=False),
        sa.Column("cabinet_id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("match", sa.String(length=8), nullable=False),
        sa.Column("lines", Json, nullable=False),
        sa.Column("sold_at", UtcDateTime(), nullable=False),
        sa.Column("gap_seconds", sa.Integer(), nullable=False),
        sa.Column("under_block", sa.Boolean(), nullable=False),
        sa.Column("answer", sa.String(length=12), nullable=True),
        sa.Column("notice_id", sa.String(length=36), nullable=True),
        sa.Column("told_revision", sa.Integer(), nullable=True),
        sa.Column("told_at", UtcDateTime(), nullable=True),
        sa.Column("refund_attempt", sa.Integer(), nullable=False),
        sa.Column("refunding", sa.Boolean(), nullable=False),
        sa.Column("look_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["recall_id"], ["recalls.id"], name=op.f("fk_recall_buyers_recall_id_recalls")
        ),
        sa.ForeignKeyConstraint(
            ["sale_id"], ["sales.id"], name=op.f("fk_recall_buyers_sale_id_sales")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recall_buyers")),
    )
    with op.batch_alter_table("recall_buyers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recall_buyers_look_at"), ["look_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_recall_buyers_sale_id"), ["sale_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_recall_buyers_site_id"), ["site_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_recall_buyers_state"), ["state"], unique=False)
        batch_op.create_index("uq_recall_buyers_sale", ["recall_id", "sale_id"], unique=True)

    op.create_table(
        "recall_cabinets",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("recall_id", sa.String(length=36), nullable=False),
        sa.Column("cabinet_id", sa.String(length=32), nullable=False),
        sa.Column("site_id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("match", sa.String(length=8), nullable=False),
        sa.Column("expected_units", sa.Integer(), nullable=False),
        sa.Column("acked_version", sa.BigInteger(), nullable=True),
        sa.Column("acked_at", UtcDateTime(), nullable=True),
        sa.Column("queued_at", UtcDateTime(), nullable=False),
        sa.Column("look_at", UtcDateTime(), nullable=True),
        sa.Column("rung", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.String(length=36), nullable=True),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(
            ["cabinet_id"], ["cabinets.id"], name=op.f("fk_recall_cabinets_cabinet_id_cabinets")
        ),
        sa.ForeignKeyConstraint(
            ["recall_id"], ["recalls.id"], name=op.f("fk_recall_cabinets_recall_id_recalls")
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_recall_cabinets_ticket_id_tickets")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recall_cabinets")),
    )
    with op.batch_alter_table("recall_cabinets", schema=None) as batch_op:
        batch_op.create_index("ix_recall_cabinets_cabinet", ["cabinet_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_recall_cabinets_look_at"), ["look_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_recall_cabinets_site_id"), ["site_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_recall_cabinets_state"), ["state"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_recall_cabinets_ticket_id"), ["ticket_id"], unique=False
        )
        batch_op.create_index("uq_recall_cabinets_pair", ["recall_id", "cabinet_id"], unique=True)

    op.create_table(
        "sale_adjustments",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("sale_id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("change", sa.String(length=300), nullable=False),
        sa.Column("total_minor", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sale_id"], ["sales.id"], name=op.f("fk_sale_adjustments_sale_id_sales")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_sale_adjustments")),
    )
    with op.batch_alter_table("sale_adjustments", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sale_adjustments_sale_id"), ["sale_id"], unique=False)

    op.create_table(
        "sale_lines",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("sale_id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("slot", sa.String(length=20), nullable=False),
        sa.Column("gtin", sa.String(length=14), nullable=False),
        sa.Column("lot", sa.String(length=60), nullable=False),
        sa.Column("lot_confidence", sa.String(length=10), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("price_minor", sa.Integer(), nullable=False),
        sa.Column("expiry", sa.Date(), nullable=True),
        sa.Column("production", sa.Date(), nullable=True),
        sa.Column("near_expiry_told", sa.Boolean(), nullable=False),
        sa.Column("not_returnable_told", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sale_id"], ["sales.id"], name=op.f("fk_sale_lines_sale_id_sales")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sale_lines")),
    )
    with op.batch_alter_table("sale_lines", schema=None) as batch_op:
        batch_op.create_index("ix_sale_lines_gtin_lot", ["gtin", "lot"], unique=False)
        batch_op.create_index("uq_sale_lines_line", ["sale_id", "revision", "line"], unique=True)

    op.create_table(
        "service_records",
        sa.Column("ticket_id", sa.String(length=36), nullable=False),
        sa.Column("customer", sa.String(length=200), nullable=True),
        sa.Column("product", sa.String(length=200), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("cause_code", sa.String(length=30), nullable=True),
        sa.Column("measures", sa.Text(), nullable=True),
        sa.Column("parts", Json, nullable=True),
        sa.Column("person", sa.String(length=120), nullable=True),
        sa.Column("unit", sa.String(length=120), nullable=True),
        sa.Column("began_at", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("confirmation_way", sa.String(length=10), nullable=True),
        sa.Column("confirmed_by", sa.String(length=120), nullable=True),
        sa.Column("confirmation_reference", sa.String(length=200), nullable=True),
        sa.Column("saved_at", UtcDateTime(), nullable=False),
        sa.Column("saved_by", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_service_records_ticket_id_tickets")
        ),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_service_records")),
    )
    op.create_table(
        "stock_movements",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("line_id", sa.String(length=36), nullable=False),
        sa.Column("cabinet_id", sa.String(length=32), nullable=False),
        sa.Column("site_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("booked", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("by", sa.String(length=128), nullable=False),
        sa.Column("why", sa.String(length=300), nullable=False),
        sa.Column("bag", sa.String(length=128), nullable=False),
        sa.Column("work_order", sa.String(length=128), nullable=False),
        sa.Column("origin", sa.String(length=128), nullable=False),
        sa.Column("blocked_by", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(
            ["line_id"], ["stock_lines.id"], name=op.f("fk_stock_movements_line_id_stock_lines")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_stock_movements")),
    )
    with op.batch_alter_table("stock_movements", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_stock_movements_blocked_by"), ["blocked_by"], unique=False
        )
        batch_op.create_index("ix_stock_movements_cabinet_at", ["cabinet_id", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_stock_movements_line_id"), ["line_id"], unique=False)

    op.create_table(
        "ticket_faults",
        sa.Column("ticket_id", sa.String(length=36), nullable=False),
        sa.Column("fault_id", sa.String(length=80), nullable=False),
        sa.Column("linked_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["fault_id"], ["faults.id"], name=op.f("fk_ticket_faults_fault_id_faults")
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_faults_ticket_id_tickets")
        ),
        sa.PrimaryKeyConstraint("ticket_id", "fault_id", name=op.f("pk_ticket_faults")),
    )
    with op.batch_alter_table("ticket_faults", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ticket_faults_fault_id"), ["fault_id"], unique=False)

    op.create_table(
        "ticket_hand_overs",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("ticket_id", sa.String(length=36), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("giver", sa.String(length=80), nullable=True),
        sa.Column("taker", sa.String(length=80), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_hand_overs_ticket_id_tickets")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_ticket_hand_overs")),
    )
    with op.batch_alter_table("ticket_hand_overs", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_ticket_hand_overs_ticket_id"), ["ticket_id"], unique=False
        )

    op.create_table(
        "ticket_history",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("ticket_id", sa.String(length=36), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("what", sa.String(length=20), nullable=False),
        sa.Column("before", sa.String(length=20), nullable=False),
        sa.Column("after", sa.String(length=20), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("details", Json, nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_history_ticket_id_tickets")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_ticket_history")),
    )
    with op.batch_alter_table("ticket_history", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_ticket_history_ticket_id"), ["ticket_id"], unique=False
        )

    op.create_table(
        "visit_history",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("visit_id", sa.String(length=36), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("before", sa.String(length=12), nullable=False),
        sa.Column("after", sa.String(length=12), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("details", Json, nullable=False),
        sa.ForeignKeyConstraint(
            ["visit_id"], ["visits.id"], name=op.f("fk_visit_history_visit_id_visits")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_visit_history")),
    )
    with op.batch_alter_table("visit_history", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_visit_history_visit_id"), ["visit_id"], unique=False)

    op.create_table(
        "visit_tickets",
        sa.Column("visit_id", sa.String(length=36), nullable=False),
        sa.Column("ticket_id", sa.String(length=36), nullable=False),
        sa.Column("linked_at", UtcDateTime(), nullable=False),
        sa.Column("dropped_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_visit_tickets_ticket_id_tickets")
        ),
        sa.ForeignKeyConstraint(
            ["visit_id"], ["visits.id"], name=op.f("fk_visit_tickets_visit_id_visits")
        ),
        sa.PrimaryKeyConstraint("visit_id", "ticket_id", name=op.f("pk_visit_tickets")),
    )
    with op.batch_alter_table("visit_tickets", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_visit_tickets_ticket_id"), ["ticket_id"], unique=False)

    op.create_table(
        "recall_buyer_history",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("buyer_id", sa.String(length=36), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(
            ["buyer_id"],
            ["recall_buyers.id"],
            name=op.f("fk_recall_buyer_history_buyer_id_recall_buyers"),
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_recall_buyer_history")),
    )
    with op.batch_alter_table("recall_buyer_history", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_recall_buyer_history_buyer_id"), ["buyer_id"], unique=False
        )

    op.create_table(
        "recall_cabinet_history",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("row_id", sa.String(length=36), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(
            ["row_id"],
            ["recall_cabinets.id"],
            name=op.f("fk_recall_cabinet_history_row_id_recall_cabinets"),
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_recall_cabinet_history")),
    )
    with op.batch_alter_table("recall_cabinet_history", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_recall_cabinet_history_row_id"), ["row_id"], unique=False
        )


def downgrade() -> None:
    with op.batch_alter_table("recall_cabinet_history", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_recall_cabinet_history_row_id"))

    op.drop_table("recall_cabinet_history")
    with op.batch_alter_table("recall_buyer_history", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_recall_buyer_history_buyer_id"))

    op.drop_table("recall_buyer_history")
    with op.batch_alter_table("visit_tickets", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_visit_tickets_ticket_id"))

    op.drop_table("visit_tickets")
    with op.batch_alter_table("visit_history", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_visit_history_visit_id"))

    op.drop_table("visit_history")
    with op.batch_alter_table("ticket_history", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ticket_history_ticket_id"))

    op.drop_table("ticket_history")
    with op.batch_alter_table("ticket_hand_overs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ticket_hand_overs_ticket_id"))

    op.drop_table("ticket_hand_overs")
    with op.batch_alter_table("ticket_faults", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ticket_faults_fault_id"))

    op.drop_table("ticket_faults")
    with op.batch_alter_table("stock_movements", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_stock_movements_line_id"))
        batch_op.drop_index("ix_stock_movements_cabinet_at")
        batch_op.drop_index(batch_op.f("ix_stock_movements_blocked_by"))

    op.drop_table("stock_movements")
    op.drop_table("service_records")
    with op.batch_alter_table("sale_lines", schema=None) as batch_op:
        batch_op.drop_index("uq_sale_lines_line")
        batch_op.drop_index("ix_sale_lines_gtin_lot")

    op.drop_table("sale_lines")
    with op.batch_alter_table("sale_adjustments", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sale_adjustments_sale_id"))

    op.drop_table("sale_adjustments")
    with op.batch_alter_table("recall_cabinets", schema=None) as batch_op:
        batch_op.drop_index("uq_recall_cabinets_pair")
        batch_op.drop_index(batch_op.f("ix_recall_cabinets_ticket_id"))
        batch_op.drop_index(batch_op.f("ix_recall_cabinets_state"))
        batch_op.drop_index(batch_op.f("ix_recall_cabinets_site_id"))
        batch_op.drop_index(batch_op.f("ix_recall_cabinets_look_at"))
        batch_op.drop_index("ix_recall_cabinets_cabinet")

    op.drop_table("recall_cabinets")
    with op.batch_alter_table("recall_buyers", schema=None) as batch_op:
        batch_op.drop_index("uq_recall_buyers_sale")
        batch_op.drop_index(batch_op.f("ix_recall_buyers_state"))
        batch_op.drop_index(batch_op.f("ix_recall_buyers_site_id"))
        batch_op.drop_index(batch_op.f("ix_recall_buyers_sale_id"))
        batch_op.drop_index(batch_op.f("ix_recall_buyers_look_at"))

    op.drop_table("recall_buyers")
    with op.batch_alter_table("offers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_offers_visit_id"))
        batch_op.drop_index("ix_offers_technician_state")
        batch_op.drop_index("ix_offers_state_deadline")

    op.drop_table("offers")
    with op.batch_alter_table("fault_history", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_fault_history_fault_id"))

    op.drop_table("fault_history")
    with op.batch_alter_table("visits", schema=None) as batch_op:
        batch_op.drop_index("ix_visits_technician_state")
        batch_op.drop_index("ix_visits_site_state")
        batch_op.drop_index(batch_op.f("ix_visits_ask_again_at"))

    op.drop_table("visits")
    with op.batch_alter_table("vend_failures", schema=None) as batch_op:
        batch_op.drop_index("uq_vend_failures_sale_slot")
        batch_op.drop_index(batch_op.f("ix_vend_failures_cabinet_id"))

    op.drop_table("vend_failures")
    with op.batch_alter_table("tickets", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_tickets_triage_at"))
        batch_op.drop_index("ix_tickets_site_state")
        batch_op.drop_index(batch_op.f("ix_tickets_owner"))
        batch_op.drop_index(batch_op.f("ix_tickets_origin_id"))
        batch_op.drop_index(batch_op.f("ix_tickets_dispatch_at"))
        batch_op.drop_index(batch_op.f("ix_tickets_close_at"))
        batch_op.drop_index("ix_tickets_cabinet_state")

    op.drop_table("tickets")
    with op.batch_alter_table("technician_shifts", schema=None) as batch_op:
        batch_op.drop_index("ix_technician_shifts_span")

    op.drop_table("technician_shifts")
    with op.batch_alter_table("technician_qualifications", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_technician_qualifications_technician_id"))

    op.drop_table("technician_qualifications")
    with op.batch_alter_table("technician_absences", schema=None) as batch_op:
        batch_op.drop_index("ix_technician_absences_span")

    op.drop_table("technician_absences")
    with op.batch_alter_table("stock_lines", schema=None) as batch_op:
        batch_op.drop_index("uq_stock_lines_place")
        batch_op.drop_index("ix_stock_lines_gtin_lot")

    op.drop_table("stock_lines")
    with op.batch_alter_table("sales", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sales_site_id"))
        batch_op.drop_index(batch_op.f("ix_sales_payment_reference"))
        batch_op.drop_index(batch_op.f("ix_sales_contact_until"))
        batch_op.drop_index("ix_sales_cabinet_at")
        batch_op.drop_index(batch_op.f("ix_sales_at"))

    op.drop_table("sales")
    with op.batch_alter_table("sale_refusals", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sale_refusals_site_id"))
        batch_op.drop_index(batch_op.f("ix_sale_refusals_recall_id"))
        batch_op.drop_index("ix_sale_refusals_cabinet_at")

    op.drop_table("sale_refusals")
    op.drop_table("rules_held")
    with op.batch_alter_table("recall_history", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_recall_history_recall_id"))

    op.drop_table("recall_history")
    with op.batch_alter_table("public_notices", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_public_notices_recall_id"))

    op.drop_table("public_notices")
    with op.batch_alter_table("faults", schema=None) as batch_op:
        batch_op.drop_index("ix_faults_state_since")
        batch_op.drop_index(batch_op.f("ix_faults_site_id"))
        batch_op.drop_index(batch_op.f("ix_faults_since"))
        batch_op.drop_index(batch_op.f("ix_faults_code"))
        batch_op.drop_index("ix_faults_cabinet_state")

    op.drop_table("faults")
    with op.batch_alter_table("claims", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_claims_cabinet_id"))

    op.drop_table("claims")
    op.drop_table("cabinet_presence")
    with op.batch_alter_table("cabinet_history", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_cabinet_history_cabinet_id"))

    op.drop_table("cabinet_history")
    op.drop_table("cabinet_desired")
    with op.batch_alter_table("cabinet_commands", schema=None) as batch_op:
        batch_op.drop_index("uq_cabinet_commands_counter")
        batch_op.drop_index(batch_op.f("ix_cabinet_commands_state"))

    op.drop_table("cabinet_commands")
    with op.batch_alter_table("user_grants", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_user_grants_user_id"))

    op.drop_table("user_grants")
    op.drop_table("technicians")
    op.drop_table("service_clock_steps")
    with op.batch_alter_table("refund_history", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_refund_history_refund_id"))

    op.drop_table("refund_history")
    with op.batch_alter_table("recalls", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_recalls_state"))
        batch_op.drop_index(batch_op.f("ix_recalls_rescan_at"))

    op.drop_table("recalls")
    with op.batch_alter_table("lots", schema=None) as batch_op:
        batch_op.drop_index("uq_lots_gtin_lot")

    op.drop_table("lots")
    with op.batch_alter_table("logins", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_logins_user_id"))
        batch_op.drop_index(batch_op.f("ix_logins_expires_at"))

    op.drop_table("logins")
    with op.batch_alter_table("hold_history", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_hold_history_hold_id"))

    op.drop_table("hold_history")
    with op.batch_alter_table("cabinets", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_cabinets_state"))
        batch_op.drop_index(batch_op.f("ix_cabinets_site_id"))
        batch_op.drop_index(batch_op.f("ix_cabinets_muted_until"))

    op.drop_table("cabinets")
    with op.batch_alter_table("api_tokens", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_api_tokens_user_id"))

    op.drop_table("api_tokens")
    op.drop_table("users")
    with op.batch_alter_table("telemetry_batches", schema=None) as batch_op:
        batch_op.drop_index("ix_telemetry_batches_cabinet_at")

    op.drop_table("telemetry_batches")
    with op.batch_alter_table("sites", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sites_region"))

    op.drop_table("sites")
    op.drop_table("service_policy_in_force")
    with op.batch_alter_table("service_clocks", schema=None) as batch_op:
        batch_op.drop_index("ix_service_clocks_owner")
        batch_op.drop_index(batch_op.f("ix_service_clocks_look_at"))

    op.drop_table("service_clocks")
    op.drop_table("rule_sets")
    with op.batch_alter_table("refund_orders", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_refund_orders_site_id"))
        batch_op.drop_index("ix_refund_orders_due")
        batch_op.drop_index(batch_op.f("ix_refund_orders_charge"))

    op.drop_table("refund_orders")
    with op.batch_alter_table("products", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_products_category"))

    op.drop_table("products")
    op.drop_table("outbound_messages")
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.drop_index("ix_notices_due")
        batch_op.drop_index(batch_op.f("ix_notices_audience"))
        batch_op.drop_index("ix_notices_about")

    op.drop_table("notices")
    op.drop_table("login_attempts")
    with op.batch_alter_table("live_changes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_live_changes_at"))

    op.drop_table("live_changes")
    with op.batch_alter_table("kept_answers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_kept_answers_kept_at"))

    op.drop_table("kept_answers")
    with op.batch_alter_table("journal_gaps", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_journal_gaps_cabinet_id"))

    op.drop_table("journal_gaps")
    with op.batch_alter_table("journal_events", schema=None) as batch_op:
        batch_op.drop_index("uq_journal_events_position")
        batch_op.drop_index("ix_journal_events_cabinet_at")

    op.drop_table("journal_events")
    with op.batch_alter_table("holds", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_holds_state"))
        batch_op.drop_index(batch_op.f("ix_holds_look_at"))

    op.drop_table("holds")
    with op.batch_alter_table("dead_letters", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_dead_letters_cabinet_id"))

    op.drop_table("dead_letters")
    op.drop_table("cursors")
    op.drop_table("audit_head")
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_entries_object_id"))
        batch_op.drop_index(batch_op.f("ix_audit_entries_actor"))

    op.drop_table("audit_entries")
    with op.batch_alter_table("active_rules", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_active_rules_recall_id"))

    op.drop_table("active_rules")
