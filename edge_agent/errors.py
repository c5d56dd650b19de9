"""The base of every error of the agent, split by who is wrong.

The split is the choice: an `OutsideError` is met in normal life (a device, a person, a peer) and
is handled where it can be reported; a `MisuseError` is a defect of ours and is left to stop us.
Details stand in fields, the text is made from them.
"""


class EdgeError(Exception):
    """Something in the agent failed; the base of all our errors."""


class OutsideError(EdgeError):
    """They are wrong: a device, a file, a message or a person gave us what cannot be used."""


class MisuseError(EdgeError):
    """We are wrong: our own code broke a contract of ours."""
