"""Several rules on one (code, part): what each said last, and the worst of it.

A probe may be judged by its own values, by the controller it hangs on and by its twin. One of them
calling it good must not clear what another calls bad.
"""

from collections.abc import Iterable

import msgspec

from edge_agent.detection.verdicts import Condition, Verdict

_RANK = {Condition.BAD: 0, Condition.UNDECIDED: 1, Condition.GOOD: 2}


class Said(msgspec.Struct, frozen=True):
    """What one source said last of one (code, part)."""

    code: str
    part: str
    source: str
    condition: Condition


class Standing:
    """What every source said last, where there is more than one."""

    def __init__(self, kept: Iterable[Said] = ()) -> None:
        self._said: dict[tuple[str, str], dict[str, Verdict]] = {}
        for row in kept:
            verdict = Verdict(row.code, row.part, row.condition, source=row.source)
            self._said.setdefault((row.code, row.part), {})[row.source] = verdict

    def kept(self) -> tuple[Said, ...]:
        """What must survive a reboot: only where a source has a name."""
        return tuple(
            Said(code, part, source, verdict.condition)
            for (code, part), said in self._said.items()
            if set(said) != {""}
            for source, verdict in said.items()
        )

    def worst(self, verdict: Verdict) -> Verdict:
        """Take a verdict; return the one that counts now.

        A verdict of BAD counts as itself. Another gives way to what is worse, which then only
        lasts: it is no news, so its numbers do not matter.
        """
        said = self._said.setdefault((verdict.code, verdict.part), {})
        said[verdict.source] = verdict
        if verdict.condition is Condition.BAD or len(said) == 1:
            return verdict
        return min(said.values(), key=lambda one: _RANK[one.condition])
