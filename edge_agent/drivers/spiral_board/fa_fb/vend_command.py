"""How a controller is told to dispense: which command, with which flags; from the settings."""

from dataclasses import dataclass

from edge_agent.drivers.spiral_board.fa_fb.conversation import Sending
from edge_agent.drivers.spiral_board.fa_fb.frames import FaFbCommand, text_of


@dataclass(frozen=True, slots=True)
class VendCommand:
    """DRIVE (06) with its two flags, or BUY (03), which leaves them to the board's own menu.

    `repeats`: whether an unacknowledged command is sent again with the same packet number.
    """

    command: FaFbCommand = FaFbCommand.DRIVE
    drop_sensor: bool = True
    elevator: bool = False
    repeats: bool = True

    def sending(self, selection: int) -> Sending:
        """Return a fresh command for one selection."""
        fields = {"selection": selection}
        if self.command is FaFbCommand.DRIVE:
            fields |= {"drop_sensor": int(self.drop_sensor), "elevator": int(self.elevator)}
        return Sending(self.command, text_of(self.command, **fields), repeats=self.repeats)
