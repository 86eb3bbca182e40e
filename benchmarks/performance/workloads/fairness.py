"""What a slow reader, a flooding sender and a very large room do to everyone else.

Each pressure is measured twice: on the server of those who are measured, and as a control on a second server beside it.
The machine then has the same to do, and what differs is the server's doing. Slow readers are of the room that is measured,
so their control is as many readers of it that do read. The clients that disturb give way to those that are measured:
elsewhere they would not share their processors.
"""
import contextlib
import socket
import statistics
import subprocess

from .. import programs
from ..figures import Side, ratios
from ..processes import bound
from .broadcast import Room

READERS, SLOW, RATE_OF_ROOM, SIZE = 100, 50, 1_000, 2_000
SMALL_ROOMS, EACH, USERS, RATE, LARGE_ROOM, RATE_OF_LARGE = 1_000, 3, 500, 600, 5_000, 10
FLOODS, BURST = 20, 1_000
SECONDS = 3
AIM = 1.5


def speaker(room, path, window, rate=0):
    """A sender that gives way to others; to be killed."""
    arguments = [room.protocol, room.port, path, 1_000_000, 100, window, rate]
    return subprocess.Popen(bound(programs.command("speaker", *arguments), is_polite=True), stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


@contextlib.contextmanager
def killed(processes):
    yield
    for process in processes:
        process.kill()
        process.wait()


@contextlib.contextmanager
def slow_readers(room):
    """Connections that join and read nothing of what comes."""
    sockets = []
    for number in range(SLOW):
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        one.connect(("127.0.0.1", room.port))
        one.sendall((f"GET {room.readers % number} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
        sockets.append(one)
    yield
    for one in sockets:
        one.close()


def more_readers(room):
    """As many that read."""
    return room.waiting(RATE_OF_ROOM * SECONDS, SLOW, is_polite=True)


def others_of_room(server, beside=contextlib.nullcontext):
    """p99 of a room's readers in milliseconds, beside others of it or not."""
    room, count = Room(server), RATE_OF_ROOM * SECONDS
    with room.waiting(count, READERS) as waiting, beside(room):
        room.send(count, 1_000_000, RATE_OF_ROOM, SIZE)
        return waiting.result()["p99_ms"]


def flood(server):
    """Twenty people who send into a room of their own as fast as they may, and faster: bursts, then the rate limit.

    They are none of the neighbours: what somebody says elsewhere waits behind what the same person has sent before.
    """
    room = Room(server)
    return killed([speaker(room, room.readers % (USERS + number), BURST) for number in range(FLOODS)])


@contextlib.contextmanager
def large_room(server):
    """A room of 5,000 readers, in which nothing is said yet."""
    room = Room(server)
    with room.waiting(1_000_000, LARGE_ROOM, is_polite=True):
        yield room


def talk(room):
    """Ten messages a second in a large room."""
    return killed([speaker(room, room.sender, 1_000_000, RATE_OF_LARGE)])


class Neighbours:
    """A thousand people in three small rooms each."""

    def __init__(self, server):
        self.clients = programs.Background(
            "crowd", server.port, SMALL_ROOMS, EACH, USERS, min(server.rooms(SMALL_ROOMS)), SMALL_ROOMS)

    def measure(self, beside=contextlib.nullcontext()):
        """p99 of their deliveries in milliseconds."""
        with beside:
            self.clients.say(f"{RATE * SECONDS} {RATE}")
            return self.clients.answer()["p99_ms"]


@contextlib.contextmanager
def slow_reading(server):
    """Measures a round of it, by the name of the side."""
    # Once for nothing: whoever comes first on a fresh server is slower.
    others_of_room(server)
    yield lambda: {"quiet": others_of_room(server), "more": others_of_room(server, more_readers),
                   "slow": others_of_room(server, slow_readers)}


@contextlib.contextmanager
def crowding(server, other):
    """The same of floods and large rooms, on the server and on another."""
    neighbours = Neighbours(server)
    with neighbours.clients, large_room(server) as here, large_room(other) as there:
        neighbours.measure()
        yield lambda: {"alone": neighbours.measure(), "flood there": neighbours.measure(flood(other)),
                       "flood": neighbours.measure(flood(server)), "large there": neighbours.measure(talk(there)),
                       "large": neighbours.measure(talk(here))}


def compare(context, suffix, where, sides, key, what, pressed, quiet, control, against, more=""):
    """A row beside nobody, and one beside the control."""
    figures = f"p99 {sides[pressed].rate:.2f} ms, without {sides[quiet].rate:.2f} ms, control {sides[control].rate:.2f} ms{more}"
    context.row(key + suffix, what + where, "the same without them", AIM, ratios(sides[pressed].rates, sides[quiet].rates),
                figures, better="lower")
    context.row(key + "-shared" + suffix, f"the same, the machine as busy{where}", against, AIM,
                ratios(sides[pressed].rates, sides[control].rates), "", better="lower")


def report(context, sides, cut_off, suffix, where):
    compare(context, suffix, where, sides, "slow-readers", f"p99 of a room's readers beside {SLOW} that do not read", "slow",
            "quiet", "more", f"{SLOW} more readers that read", f"; {cut_off:.0f} of them cut off")
    compare(context, suffix, where, sides, "flood", f"p99 of {SMALL_ROOMS:,} small rooms beside {FLOODS} senders that flood "
            "another room", "flood", "alone", "flood there", "the flood on a second server")
    compare(context, suffix, where, sides, "large-room", f"p99 of {SMALL_ROOMS:,} small rooms beside a room of {LARGE_ROOM:,}",
            "large", "alone", "large there", "the large room on a second server")


def measure(context, make, suffix="", where=""):
    """`make` makes a server of its own, of flags and a number of users."""
    names = ("quiet", "more", "slow", "alone", "flood there", "flood", "large there", "large")
    sides = {name: Side(name, "ms") for name in names}
    with make(users=READERS) as server, make("--send-rate", str(BURST // 10), users=LARGE_ROOM) as limited, \
            make("--send-rate", str(BURST // 10), users=LARGE_ROOM) as other, \
            slow_reading(server) as readers, crowding(limited, other) as crowd:
        for _ in context.rounds():
            for name, p99 in {**readers(), **crowd()}.items():
                sides[name].add(0, p99)
        cut_off = server.metric("palaver_websocket_overflows_total") / len(sides["slow"].rates)
    for name, side in sides.items():
        context.say(f"{name}: median {statistics.median(side.rates):.2f} ms of {' '.join(f'{p99:.1f}' for p99 in side.rates)}")
    report(context, sides, cut_off, suffix, where)


def fairness(context):
    measure(context, lambda *flags, users: context.server("--role", "edge", *flags, users=users))


def embedded(context):
    measure(context, context.embedded, "-embedded", ", embedded")
