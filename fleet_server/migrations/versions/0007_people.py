"""People and tickets: parts, positions, notes, attachments; merging, waiting, appointments.

No column added here refers to another table: on SQLite that would copy the whole table.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

from fleet_server.database import Json, UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "attachments",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("about_kind", sa.String(length=20), nullable=False),
        sa.Column("about_id", sa.String(length=80), nullable=False),
        sa.Column("site_id", sa.String(length=36), nullable=True),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("media_type", sa.String(length=40), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachments")),
    )
    with op.batch_alter_table("attachments", schema=None) as batch_op:
        batch_op.create_index("ix_attachments_about", ["about_kind", "about_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_attachments_sha256"), ["sha256"], unique=False)

    op.create_table(
        "locations",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("address", sa.String(length=300), nullable=False),
        sa.Column("region", sa.String(length=40), nullable=True),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_locations")),
    )
    op.create_table(
        "parts",
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name_zh", sa.String(length=120), nullable=False),
        sa.Column("name_en", sa.String(length=120), nullable=False),
        sa.Column("skills", Json, nullable=False),
        sa.Column("fault_codes", Json, nullable=False),
        sa.Column("components", Json, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_parts")),
    )
    op.create_table(
        "part_needs",
        sa.Column("fault_code", sa.String(length=40), nullable=False),
        sa.Column("part_code", sa.String(length=40), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["part_code"], ["parts.code"], name=op.f("fk_part_needs_part_code_parts")
        ),
        sa.PrimaryKeyConstraint("fault_code", "part_code", name=op.f("pk_part_needs")),
    )
    op.create_table(
        "part_movements",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("technician_id", sa.String(length=36), nullable=False),
        sa.Column("part_code", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("change", sa.Integer(), nullable=False),
        sa.Column("location_id", sa.String(length=36), nullable=True),
        sa.Column("ticket_id", sa.String(length=36), nullable=True),
        sa.Column("origin", sa.String(length=80), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["location_id"], ["locations.id"], name=op.f("fk_part_movements_location_id_locations")
        ),
        sa.ForeignKeyConstraint(
            ["part_code"], ["parts.code"], name=op.f("fk_part_movements_part_code_parts")
        ),
        sa.ForeignKeyConstraint(
            ["technician_id"],
            ["technicians.id"],
            name=op.f("fk_part_movements_technician_id_technicians"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_part_movements")),
        sa.UniqueConstraint("origin", "part_code", name="uq_part_movements_origin"),
    )
    with op.batch_alter_table("part_movements", schema=None) as batch_op:
        batch_op.create_index("ix_part_movements_technician", ["technician_id", "id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_part_movements_ticket_id"), ["ticket_id"], unique=False
        )

    op.create_table(
        "technician_positions",
        sa.Column("technician_id", sa.String(length=36), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["technician_id"],
            ["technicians.id"],
            name=op.f("fk_technician_positions_technician_id_technicians"),
        ),
        sa.PrimaryKeyConstraint("technician_id", name=op.f("pk_technician_positions")),
    )
    with op.batch_alter_table("technician_positions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_technician_positions_at"), ["at"], unique=False)

    op.create_table(
        "van_stock",
        sa.Column("technician_id", sa.String(length=36), nullable=False),
        sa.Column("part_code", sa.String(length=40), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["part_code"], ["parts.code"], name=op.f("fk_van_stock_part_code_parts")
        ),
        sa.ForeignKeyConstraint(
            ["technician_id"],
            ["technicians.id"],
            name=op.f("fk_van_stock_technician_id_technicians"),
        ),
        sa.PrimaryKeyConstraint("technician_id", "part_code", name=op.f("pk_van_stock")),
    )
    op.create_table(
        "ticket_notes",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("ticket_id", sa.String(length=36), nullable=False),
        sa.Column("written_on", sa.String(length=36), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("author", sa.String(length=80), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_notes_ticket_id_tickets")
        ),
        sa.ForeignKeyConstraint(
            ["written_on"], ["tickets.id"], name=op.f("fk_ticket_notes_written_on_tickets")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_notes")),
    )
    with op.batch_alter_table("ticket_notes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ticket_notes_ticket_id"), ["ticket_id"], unique=False)

    with op.batch_alter_table("technician_absences", schema=None) as batch_op:
        batch_op.add_column(sa.Column("visit_ids", Json, server_default="[]", nullable=False))

    with op.batch_alter_table("technician_qualifications", schema=None) as batch_op:
        batch_op.add_column(sa.Column("level", sa.Integer(), server_default="1", nullable=False))
        batch_op.add_column(sa.Column("warned_days", sa.Integer(), nullable=True))
        batch_op.create_index(
            batch_op.f("ix_technician_qualifications_expires_at"), ["expires_at"], unique=False
        )

    with op.batch_alter_table("technician_shifts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("breaks", Json, server_default="[]", nullable=False))

    with op.batch_alter_table("technicians", schema=None) as batch_op:
        batch_op.add_column(sa.Column("depot_id", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("position_consent_at", UtcDateTime(), nullable=True))

    with op.batch_alter_table("tickets", schema=None) as batch_op:
        batch_op.add_column(sa.Column("further_skills", Json, server_default="[]", nullable=False))
        batch_op.add_column(
            sa.Column("further_cabinets", Json, server_default="[]", nullable=False)
        )
        batch_op.add_column(sa.Column("level", sa.Integer(), server_default="1", nullable=False))
        batch_op.add_column(sa.Column("repeats", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("merged_into", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("split_from", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("expected_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("wait_look_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("appointment_from", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("appointment_to", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("appointment_replaced", UtcDateTime(), nullable=True))
        batch_op.create_index(batch_op.f("ix_tickets_merged_into"), ["merged_into"], unique=False)
        batch_op.create_index(batch_op.f("ix_tickets_split_from"), ["split_from"], unique=False)
        batch_op.create_index(batch_op.f("ix_tickets_wait_look_at"), ["wait_look_at"], unique=False)
    # What waits already is brought up once, by the next sweep.
    op.execute(
        "UPDATE tickets SET wait_look_at = opened_at "
        "WHERE state IN ('waiting_parts', 'waiting_site')"
    )

    with op.batch_alter_table("visits", schema=None) as batch_op:
        batch_op.add_column(sa.Column("level", sa.Integer(), server_default="1", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("visits", schema=None) as batch_op:
        batch_op.drop_column("level")

    with op.batch_alter_table("tickets", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_tickets_wait_look_at"))
        batch_op.drop_index(batch_op.f("ix_tickets_split_from"))
        batch_op.drop_index(batch_op.f("ix_tickets_merged_into"))
        batch_op.drop_column("appointment_replaced")
        batch_op.drop_column("appointment_to")
        batch_op.drop_column("appointment_from")
        batch_op.drop_column("wait_look_at")
        batch_op.drop_column("expected_at")
        batch_op.drop_column("split_from")
        batch_op.drop_column("merged_into")
        batch_op.drop_column("repeats")
        batch_op.drop_column("level")
        batch_op.drop_column("further_cabinets")
        batch_op.drop_column("further_skills")

    with op.batch_alter_table("technicians", schema=None) as batch_op:
        batch_op.drop_column("position_consent_at")
        batch_op.drop_column("depot_id")

    with op.batch_alter_table("technician_shifts", schema=None) as batch_op:
        batch_op.drop_column("breaks")

    with op.batch_alter_table("technician_qualifications", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_technician_qualifications_expires_at"))
        batch_op.drop_column("warned_days")
        batch_op.drop_column("level")

    with op.batch_alter_table("technician_absences", schema=None) as batch_op:
        batch_op.drop_column("visit_ids")

    with op.batch_alter_table("ticket_notes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ticket_notes_ticket_id"))

    op.drop_table("ticket_notes")
    op.drop_table("van_stock")
    with op.batch_alter_table("technician_positions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_technician_positions_at"))

    op.drop_table("technician_positions")
    with op.batch_alter_table("part_movements", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_part_movements_ticket_id"))
        batch_op.drop_index("ix_part_movements_technician")

    op.drop_table("part_movements")
    op.drop_table("part_needs")
    op.drop_table("parts")
    op.drop_table("locations")
    with op.batch_alter_table("attachments", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_attachments_sha256"))
        batch_op.drop_index("ix_attachments_about")

    op.drop_table("attachments")
