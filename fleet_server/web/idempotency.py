"""`Idempotency-Key` on every POST that creates: the answer is a row of the same transaction.

A phone in a basement repeats its request; the second one gets the first one's answer, and a key
used for something else is refused instead of guessed at. Without a key nothing is remembered.
"""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, TypeVar

from fastapi import Header
from pydantic import BaseModel
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from fleet_server.errors import ConflictError
from fleet_server.transactions import Transaction, Transactions
from fleet_server.web.models import KeptAnswer

KEPT_FOR = timedelta(days=7)
"""A technician's phone may be without network for a shift, not for a week."""

IdempotencyKey = Annotated[
    str | None, Header(alias="Idempotency-Key", min_length=1, max_length=100)
]

V = TypeVar("V", bound=BaseModel)


class IdempotencyKeyReusedError(ConflictError):
    """This Idempotency-Key was used for another request."""

    slug = "idempotency-key-reused"


def create_once(
    transactions: Transactions,
    caller: str,
    key: str | None,
    purpose: str,
    order: BaseModel,
    view: type[V],
    create: Callable[[Transaction], V],
) -> V:
    """Run `create` in one transaction; a repeat with the same key gets the kept answer.

    `purpose` names the operation (with the ids in its path). Raises IdempotencyKeyReusedError.
    """

    def once() -> V:
        return _create_once(transactions, (caller, key), fingerprint, view, create)

    fingerprint = hashlib.sha256(f"{purpose}\n{order.model_dump_json()}".encode()).hexdigest()
    try:
        return once()
    except IntegrityError:
        # The same key at the same moment: the other one was first, its answer is kept by now.
        if key is None:
            raise
        return once()


def _create_once(
    transactions: Transactions,
    owner: tuple[str, str | None],
    fingerprint: str,
    view: type[V],
    create: Callable[[Transaction], V],
) -> V:
    caller, key = owner
    with transactions.write(caller) as tx:
        kept = tx.session.get(KeptAnswer, (caller, key)) if key else None
        if kept is not None and kept.fingerprint != fingerprint:
            raise IdempotencyKeyReusedError
        if kept is not None:
            return view.model_validate(kept.answer)
        made = create(tx)
        if key:
            answer = made.model_dump(mode="json")
            tx.session.add(
                KeptAnswer(
                    caller=caller, key=key, fingerprint=fingerprint, answer=answer, kept_at=tx.now
                )
            )
        return made


def forget_old_answers(tx: Transaction) -> None:
    """Sweep: drop answers older than KEPT_FOR."""
    tx.session.execute(delete(KeptAnswer).where(KeptAnswer.kept_at < tx.now - KEPT_FOR))
