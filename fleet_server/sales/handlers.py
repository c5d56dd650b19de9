"""Reactions of sales to the journal."""

from collections.abc import Sequence

from fleet_server.ingest.events import Received
from fleet_server.sales import service
from fleet_server.transactions import Transaction
from protocol.events import SaleAdjusted, SaleCompleted, SaleRefused, VendFailed


def on_sale_completed(tx: Transaction, received: Sequence[Received]) -> None:
    """`sale.completed`."""
    sales = [(one, one.body) for one in received if isinstance(one.body, SaleCompleted)]
    service.record_sales(tx, sales)


def on_sale_adjusted(tx: Transaction, received: Sequence[Received]) -> None:
    """`sale.adjusted`."""
    for one in received:
        if isinstance(one.body, SaleAdjusted):
            service.adjust_sale(tx, one, one.body)


def on_sale_refused(tx: Transaction, received: Sequence[Received]) -> None:
    """`sale.refused`."""
    for one in received:
        if isinstance(one.body, SaleRefused):
            service.record_refusal(tx, one, one.body)


def on_vend_failed(tx: Transaction, received: Sequence[Received]) -> None:
    """`vend.failed`."""
    for one in received:
        if isinstance(one.body, VendFailed):
            service.record_vend_failure(tx, one, one.body)
