"""Errors of sales: "they are wrong"; the event goes to the dead letters (P-6)."""

from fleet_server.errors import ConflictError


class SaleContradictsError(ConflictError):
    """A sale id came again with other content."""

    slug = "sale-contradicts"

    def __init__(self, sale_id: str) -> None:
        super().__init__(f"sale {sale_id} is in the ledger with other content")
        self.sale_id = sale_id


class SaleUnknownError(ConflictError):
    """An adjustment of a sale that is not in the ledger, or is another cabinet's."""

    slug = "sale-unknown"

    def __init__(self, sale_id: str) -> None:
        super().__init__(f"sale {sale_id} of this cabinet is not in the ledger")
        self.sale_id = sale_id
