"""A Qibixx MDB adapter with what hangs on its MDB: a machine (slave mode) or a reader (master).

Text line for text line (hardware reference 1.4). People select and pay by `select`; the machine or
reader goes its way by `tick`, with the field's pains: resets for ever, never enabled, a vend
without result, error lines, lines cut in two.
"""

import threading
from dataclasses import dataclass, field

from edge_agent.seed import Chance
from simulators.devices.wire_faults import WireFaults

VERSION = "v,4.0.2.0,0123456789AB"
HARDWARE = "h,2.1,0011"
SETUP = "#,3,1156,1,2,30,8,2"  # level 3, yuan, scale 1, 2 decimals, 30 s, flags, direct vend
SETUP_SECONDS = 0.5  # from one MDB state to the next
DISPENSE_SECONDS = 2.0
DECIDE_SECONDS = 3.0
LINE_BYTES_MAX = 128


@dataclass(slots=True)
class QibixxFaults:
    """Faults of adapter, machine and reader."""

    wire: WireFaults = field(default_factory=WireFaults)
    never_enabled: bool = False
    reset_every_seconds: float | None = None
    no_result: bool = False
    dispense_fails: bool = False
    denies: bool = False
    no_reader: bool = False
    split_lines: bool = False


class SimulatedQibixx:
    """The adapter. Safe to use from the bus thread and from people's threads."""

    def __init__(self, chance: Chance) -> None:
        self.faults = QibixxFaults()
        self.given_back = 0
        self.taken = 0
        self._chance = chance
        self._lock = threading.RLock()
        self._heard = b""
        self._half = b""
        self._elapsed = 0.0
        self._reset_at = 0.0
        self._slave = ""
        self._master = ""
        self._to_say: list[tuple[float, str]] = []

    @property
    def state(self) -> str:
        """Its state on the MDB, empty while no mode is on."""
        with self._lock:
            return self._slave or self._master

    def select(self, amount: str, item: int) -> None:
        """Slave mode: a buyer selects at the machine, which asks for the amount."""
        with self._lock:
            self._say(f"c,STATUS,VEND,{amount},{item}")

    def reboot(self) -> None:
        """Power of the adapter fails for a moment: it forgets its mode and says nothing."""
        with self._lock:
            self._slave = self._master = ""
            self._to_say.clear()

    def say(self, line: str) -> None:
        """Let the adapter print a line of its own."""
        with self._lock:
            self._say(line)

    def tick(self, elapsed: float) -> bytes:
        """Let time pass; return what the adapter says by itself."""
        with self._lock:
            self._elapsed = elapsed
            every = self.faults.reset_every_seconds
            if self._slave and every is not None and elapsed - self._reset_at >= every:
                self._begin_slave()
            due = [line for at, line in self._to_say if at <= elapsed]
            self._to_say = [(at, line) for at, line in self._to_say if at > elapsed]
            for line in due:
                self._note(line)
            return self._cut("".join(f"{line}\r\n" for line in due).encode())

    def answer(self, heard: bytes) -> bytes:
        """Obey the lines that these bytes complete; return the answers."""
        with self._lock:
            *lines, self._heard = (self._heard + heard).replace(b"\r", b"\n").split(b"\n")
            self._heard = self._heard[-LINE_BYTES_MAX:]
            said = [
                answer for line in lines if line for answer in self._obey(line.decode("latin1"))
            ]
            for line in said:
                self._note(line)
            text = "".join(f"{line}\r\n" for line in said).encode()
            return self.faults.wire.applied_to(text, self._chance)

    def _say(self, line: str, after_seconds: float = 0.0) -> None:
        self._to_say.append((self._elapsed + after_seconds, line))
        self._to_say.sort(key=lambda pair: pair[0])

    def _cut(self, text: bytes) -> bytes:
        """Hold back half of what is said until the next tick, if lines are to be split."""
        if self.faults.wire.silent:
            return b""
        whole, self._half = self._half + text, b""
        if self.faults.split_lines and text:
            middle = len(whole) // 2
            whole, self._half = whole[:middle], whole[middle:]
        return whole

    def _note(self, line: str) -> None:
        """Keep the state that a status line tells."""
        speaker, *words = line.split(",")
        if words[:1] == ["STATUS"] and "#" not in words:
            if speaker == "c":
                self._slave = words[1]
            else:
                self._master = words[1]

    def _obey(self, line: str) -> list[str]:
        verb, *words = line.split(",")
        if verb == "V":
            return [VERSION]
        if verb == "H":
            return [HARDWARE]
        if verb == "C" and words:
            return self._obey_slave(words)
        if verb == "D" and words:
            return self._obey_master(words)
        return ['c,ERR,"CMD"']

    def _obey_slave(self, words: list[str]) -> list[str]:
        match words:
            case ["1"]:
                self._begin_slave()
                return ["c,1"]
            case ["0"]:
                self._slave = ""
                return ["c,0"]
            case ["START", credit] if self._slave == "ENABLED":
                return [f"c,STATUS,IDLE,{credit}"]
            case ["VEND", *_] if self._slave == "VEND":
                self._dispense()
                return ["r,ACK"]
            case ["STOP"] if self._slave in ("IDLE", "VEND"):
                return ["c,STATUS,IDLE", "c,STATUS,ENABLED"]
        return [f'c,ERR,"{words[0]} -3"']

    def _begin_slave(self) -> None:
        """The machine resets its reader and sets it up again."""
        self._reset_at = self._elapsed
        self._to_say.clear()
        self._say("c,STATUS,INACTIVE")
        self._say("c,STATUS,DISABLED", SETUP_SECONDS)
        if not self.faults.never_enabled:
            self._say("c,STATUS,ENABLED", 2 * SETUP_SECONDS)

    def _dispense(self) -> None:
        if self.faults.no_result:
            return
        if self.faults.dispense_fails:
            self._say("c,ERR,VEND 3", DISPENSE_SECONDS)
        else:
            self._say("c,VEND,SUCCESS", DISPENSE_SECONDS)
        self._say("c,STATUS,IDLE", DISPENSE_SECONDS)
        self._say("c,STATUS,ENABLED", DISPENSE_SECONDS)

    def _obey_master(self, words: list[str]) -> list[str]:
        match words:
            case ["1" | "2"] if self._master:
                return ['D,ERR,"cashless master is on"']
            case ["1" | "2"]:
                if not self.faults.no_reader:
                    self._say("d,STATUS,INIT,1", SETUP_SECONDS)
                return ["d,STATUS,RESET"]
            case ["0"]:
                self._master = ""
                return ["d,STATUS,OFF"]
            case ["STATUS"] if self._master:
                state = "INIT,1" if self._master == "INIT" else self._master
                return [f"d,STATUS,{state},{SETUP}"]
            case ["READER", "1"] if self._master == "INIT" and not self.faults.never_enabled:
                return ["d,STATUS,IDLE"]
        return self._obey_vend(words)

    def _obey_vend(self, words: list[str]) -> list[str]:
        match words:
            case ["REQ", "-1"] if self._master == "VEND":
                self._to_say.clear()
                return ["d,STATUS,IDLE"]
            case ["REQ", amount, _] if self._master == "IDLE":
                if not self.faults.no_result:
                    result = "-1" if self.faults.denies else f"1,{amount}"
                    self._say(f"d,STATUS,RESULT,{result}", DECIDE_SECONDS)
                return ["d,STATUS,VEND"]
            case ["END", item] if self._master == "RESULT":
                self.given_back += item == "-1"
                self.taken += item != "-1"
                return ["d,STATUS,IDLE"]
        return ['d,ERR,"-1"']
