"""A network of nodes on one machine: each in a network namespace, joined by a bridge.

Unlike processes on loopback, such a node can be cut off as a machine is whose cable is pulled:
connections stay open and nothing passes. It needs root and iproute2.

Addresses are of 198.18.0.0/15, which is for test networks alone (RFC 2544): never a site's own.
"""

import os
import subprocess
import sys
from pathlib import Path

from simulators.errors import SimulatorError

COMMAND_SECONDS_MAX = 10.0
NETWORKS = 256
"""198.18.0.0/24 to 198.18.255.0/24."""
REACH = """\
import errno, socket, sys
probe = socket.socket()
probe.settimeout(2)
sys.exit(probe.connect_ex((sys.argv[1], 9)) != errno.ECONNREFUSED)
"""
"""A refused connection proves the way: firewalls of some machines drop what a bridge carries."""


class NodeNetwork:
    """Namespaces `cf-PID-0`, `-1`, ... with one address each; the machine reaches them all."""

    def __init__(self, nodes: int) -> None:
        self._pid = os.getpid()
        self._bridge = f"cfb{self._pid}"
        self._names = [f"cf-{self._pid}-{number}" for number in range(nodes)]
        self._head = ""

    def start(self) -> None:
        """Make it and prove that a node reaches another. Raises SimulatorError; nothing is left."""
        try:
            self._make()
            self._prove()
        except SimulatorError:
            self.stop()
            raise

    def stop(self) -> None:
        """Take it down; what is not there is passed over."""
        there = Path("/run/netns")
        for number, name in enumerate(self._names):
            if (there / name).exists():
                _ip("netns", "del", name)
            if _is_link(self._plug(number)):  # goes with its namespace, a moment later or now
                _ip("link", "del", self._plug(number), may_fail=True)
        if _is_link(self._bridge):
            _ip("link", "del", self._bridge)

    def address(self, number: int) -> str:
        """IPv4 address of a node."""
        return f"{self._head}.{10 + number}"

    def inside(self, number: int) -> tuple[str, ...]:
        """Words before a command that is to run in a node."""
        return ("ip", "netns", "exec", self._names[number])

    def cut(self, number: int) -> None:
        """Pull the cable of a node."""
        _ip("link", "set", self._plug(number), "down")

    def mend(self, number: int) -> None:
        """Put it back."""
        _ip("link", "set", self._plug(number), "up")

    def _make(self) -> None:
        self._head = _free_network(self._pid)
        _ip("link", "add", self._bridge, "type", "bridge")
        _ip("addr", "add", f"{self._head}.1/24", "dev", self._bridge)
        _ip("link", "set", self._bridge, "up")
        for number, name in enumerate(self._names):
            plug = self._plug(number)
            _ip("netns", "add", name)
            _ip("link", "add", plug, "type", "veth", "peer", "name", "eth0", "netns", name)
            _ip("link", "set", plug, "master", self._bridge, "up")
            _ip("-n", name, "addr", "add", f"{self.address(number)}/24", "dev", "eth0")
            _ip("-n", name, "link", "set", "eth0", "up")
            _ip("-n", name, "link", "set", "lo", "up")

    def _prove(self) -> None:
        _run([*self.inside(0), sys.executable, "-c", REACH, self.address(len(self._names) - 1)])

    def _plug(self, number: int) -> str:
        """The machine's end of a node's cable."""
        return f"cfv{self._pid}-{number}"


def network_of(nodes: int) -> NodeNetwork | str:
    """A network that stands, or the reason why this machine allows none."""
    network = NodeNetwork(nodes)
    try:
        network.start()
    except SimulatorError as error:
        return str(error)
    return network


def _free_network(first: int) -> str:
    """First three numbers of a network nobody here has."""
    taken = _ip("-o", "-4", "addr", "show")
    for number in range(NETWORKS):
        head = f"198.18.{(first + number) % NETWORKS}"
        if f" {head}." not in taken:
            return head
    raise SimulatorError("every test network is taken")


def _is_link(name: str) -> bool:
    return Path("/sys/class/net", name).exists()


def _ip(*words: str, may_fail: bool = False) -> str:
    return _run(["ip", *words], may_fail=may_fail)


def _run(command: list[str], *, may_fail: bool = False) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=COMMAND_SECONDS_MAX, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SimulatorError(f"{' '.join(command[:5])}: {error}") from error
    if done.returncode != 0 and not may_fail:
        reason = done.stderr.strip() or f"it failed with {done.returncode}"
        raise SimulatorError(f"{' '.join(command[:5])}: {reason}")
    return done.stdout
