"""Port numbers for the servers of the bed, below the range from which the kernel takes ports for outgoing connections.

A number is found free by binding it, but its server binds it only later: in between nobody else may be given it. So the
range is divided into blocks, of which each process holds its own by a lock, and a block's numbers go round.
"""

import random
import socket

from .processes import Lock

BLOCKS = [range(first, first + 400) for first in range(20000, 32000, 400)]


class Ports:
    """The numbers that one process may give to its servers."""

    def __init__(self):
        self.locks: list[Lock] = []
        self.numbers: list[int] = []
        """Of the blocks held, the one given out longest ago first."""

    def free(self, host: str) -> int:
        while True:
            for _ in range(len(self.numbers)):
                port = self.numbers.pop(0)
                self.numbers.append(port)
                if can_bind(host, port):
                    return port
            self._hold_another()

    def _hold_another(self) -> None:
        for block in random.sample(BLOCKS, len(BLOCKS)):
            lock = Lock(f"ports-{block.start}")
            if lock.try_take():
                self.locks.append(lock)
                self.numbers = [*block, *self.numbers]
                return
            lock.release()
        raise RuntimeError("no port is left: every block of numbers is held by some process, or in use")


def can_bind(host: str, port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((host, port))
            return True
        except OSError:
            return False


_ports = Ports()


def free_port(host: str = "127.0.0.1") -> int:
    """A port nobody listens on, and that is given to nobody else before it comes round again."""
    return _ports.free(host)
