"""Device nodes: /dev/z90crypt and up to 256 more, with masks of what they allow (AP sheet 4.5).

A node is used through `NodePort`, which lets through the requests that its masks have: kinds of
request (ioctls), adapters, domains, and domains that administrative requests may go to.
"""

import errno
from collections.abc import Callable

from ghostcard.driver import masks, statusioctls
from ghostcard.driver.errors import DriverError
from ghostcard.driver.host import Host
from ghostcard.driver.port import Port
from ghostcard.driver.ratings import RequestClass
from ghostcard.driver.triage import ADMIN

DEFAULT = "z90crypt"
MOST = 256  # besides the default one
MASKS = ("ioctlmask", "apmask", "aqmask", "admask")

# Numbers of ioctls (AP sheet 4.1), as bits of ioctlmask.
ICARSAMODEXPO = 0x05
ICARSACRT = 0x06
ZSECSENDCPRB = 0x81
ZSENDEP11CPRB = 0x04


class Node:
    """A device node; its masks are numbers of 256 bits."""

    __slots__ = (*MASKS, "is_going", "name", "users")

    def __init__(self, name: str, bits: int) -> None:
        self.name = name
        self.ioctlmask = self.apmask = self.aqmask = self.admask = bits
        self.users = 0
        self.is_going = False  # destroyed, and waiting for its last user


class Nodes:
    """The nodes of a host; a new one allows nothing."""

    def __init__(self) -> None:
        self._nodes = {DEFAULT: Node(DEFAULT, masks.ALL)}

    def names(self) -> list[str]:
        """Of all that can be opened."""
        return [name for name, node in self._nodes.items() if not node.is_going]

    def create(self, name: str = "") -> str:
        """A new node, "zcrypt_N" if it has no name of its own. DriverError: EEXIST, ENOSPC."""
        if len(self._nodes) > MOST:
            raise DriverError(errno.ENOSPC, f"there are {MOST} nodes")
        free = (f"zcrypt_{number}" for number in range(MOST))
        name = name or next(one for one in free if one not in self._nodes)
        if name in self._nodes:
            raise DriverError(errno.EEXIST, f"there is a node {name}")
        self._nodes[name] = Node(name, 0)
        return name

    def destroy(self, name: str) -> None:
        """Take a node away, when its last user has closed it. DriverError(ENOENT)."""
        node = self._find(name)
        if name == DEFAULT:
            raise DriverError(errno.ENOENT, f"{DEFAULT} stays")
        node.is_going = True
        self._forget(node)

    def open(self, name: str, port: Port, mode: str) -> "NodePort":
        """A node for requests to cards of a mode. DriverError(ENOENT)."""
        node = self._find(name)
        node.users += 1
        return NodePort(node, port, mode, lambda: self._closed(node))

    def status(self, name: str, number: int, host: Host) -> bytes:
        """What an ioctl by that number answers (`statusioctls.TABLE`). DriverError: ENOENT, EPERM
        for one that the node does not let through, ENOTTY for one that is none of these.
        """
        node = self._find(name)
        if not masks.holds(node.ioctlmask, number):
            raise DriverError(errno.EPERM, f"{name} does not let such questions through")
        answer = statusioctls.TABLE.get(number)
        if answer is None:
            raise DriverError(errno.ENOTTY, f"{number:#04x} asks for no status")
        users = sum(each.users for each in self._nodes.values())
        return answer(statusioctls.Asked(host, users))

    def read(self, name: str, mask: str) -> str:
        """A mask as text, without a newline. DriverError(ENOENT)."""
        return masks.text(self._mask(name, mask))

    def write(self, name: str, mask: str, text: str) -> None:
        """Change a mask, absolutely or by a list of changes. DriverError: ENOENT, EINVAL."""
        setattr(self._find(name), mask, masks.changed(self._mask(name, mask), text))

    def _mask(self, name: str, mask: str) -> int:
        if mask not in MASKS:
            raise DriverError(errno.ENOENT, f"a node has no {mask}")
        return int(getattr(self._find(name), mask))

    def _find(self, name: str) -> Node:
        node = self._nodes.get(name)
        if node is None or node.is_going:
            raise DriverError(errno.ENOENT, f"there is no node {name}")
        return node

    def _closed(self, node: Node) -> None:
        node.users -= 1
        self._forget(node)

    def _forget(self, node: Node) -> None:
        if node.is_going and not node.users:
            del self._nodes[node.name]


class NodePort:
    """`ghostcard.driver.port.Port` through a node: EPERM for a kind of request that it does not
    have, ENODEV if it leads to none of the APQNs.
    """

    def __init__(self, node: Node, port: Port, mode: str, closed: Callable[[], None]) -> None:
        self._node = node
        self._port = port
        self._mode = mode
        self._closed: Callable[[], None] | None = closed

    def close(self) -> None:
        """Let go of the node; once is enough."""
        closed, self._closed = self._closed, None
        if closed is not None:
            closed()

    def call(
        self, function: int, render: Callable[[int], bytes], targets: tuple[int, ...]
    ) -> tuple[bytes, int]:
        """As the port's, with the APQNs that are left."""
        node = self._node
        if self._closed is None:
            raise DriverError(errno.EBADF, f"{node.name} is closed")
        if not masks.holds(node.ioctlmask, ioctl(self._mode, function)):
            raise DriverError(errno.EPERM, f"{node.name} does not let such requests through")
        left = tuple(qid for qid in targets if self._leads_to(qid, function))
        if not left:
            raise DriverError(errno.ENODEV, f"{node.name} leads to none of the queues")
        return self._port.call(function, render, left)

    def _leads_to(self, qid: int, function: int) -> bool:
        node = self._node
        adapter, domain = qid >> 8, qid & 0xFF
        leads = masks.holds(node.apmask, adapter) and masks.holds(node.aqmask, domain)
        if self._mode == "ep11" and function == ADMIN and node.name != DEFAULT:
            return leads and masks.holds(node.admask, domain)
        return leads


def ioctl(mode: str, function: int) -> int:
    """The number of the ioctl by which such a request comes."""
    if mode == "ep11":
        return ZSENDEP11CPRB
    if function < RequestClass.CRT_1K:
        return ICARSAMODEXPO
    return ICARSACRT if function < RequestClass.RNG else ZSECSENDCPRB
