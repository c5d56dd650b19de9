"""What is odd about a report: noted, never raised, and bounded.

A report is evidence of sales and cash. Refusing it for a fault in one line would lose the rest,
so every part of the parser takes its `Notes` along and goes on.
"""

PROBLEMS_MAX = 100  # a report with more is rubbish; the count of the rest says so
PROBLEM_CHARACTERS_MAX = 200  # two lines of the widest report seen


class Notes:
    """Collects problems in the order they were met, each once."""

    def __init__(self) -> None:
        self._problems: dict[str, None] = {}
        self._left_out = 0

    def add(self, problem: str) -> None:
        """Note a problem; past PROBLEMS_MAX it is only counted."""
        text = problem[:PROBLEM_CHARACTERS_MAX]
        if text in self._problems:
            return
        if len(self._problems) >= PROBLEMS_MAX:
            self._left_out += 1
            return
        self._problems[text] = None

    def problems(self) -> tuple[str, ...]:
        """Everything noted, and how much more there was."""
        if self._left_out:
            return (*self._problems, f"and {self._left_out} more problems")
        return tuple(self._problems)
