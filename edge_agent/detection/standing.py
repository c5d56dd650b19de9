"""Several rules on one (code, part): what each said last, and the worst of it.

A probe may be judged by its own values, by the controller it hangs on and by its twin. One of them
calling it good must not clear what another calls bad.
"""

from collections.abc import Iterable

from edge_agent.detection.verdicts import Condition, Verdict, worst


class Standing:
    """What every source said last, where there is more than one."""

    def __init__(self, kept: Iterable[Verdict] = ()) -> None:
        self._said: dict[tuple[str, str], dict[str, Verdict]] = {}
        for verdict in kept:
            self._said.setdefault((verdict.code, verdict.part), {})[verdict.source] = verdict

    def kept(self) -> tuple[Verdict, ...]:
        """What must survive a reboot: only where a source has a name."""
        return tuple(
            verdict
            for said in self._said.values()
            if set(said) != {""}
            for verdict in said.values()
        )

    def forget(self, code: str, part: str) -> None:
        """Believe nothing said until now: a person has looked."""
        self._said.pop((code, part), None)

    def worst(self, verdict: Verdict) -> Verdict:
        """Take a verdict; return the one that counts now.

        A verdict of BAD counts as itself. Another gives way to what is worse, which then only
        lasts: it is no news, so its numbers do not matter.
        """
        said = self._said.setdefault((verdict.code, verdict.part), {})
        said[verdict.source] = verdict
        if verdict.condition is Condition.BAD or len(said) == 1:
            return verdict
        return worst(said.values())
