"""What a slow reader, a flooding sender and a very large room do to everyone else.

The clients that disturb give way to those that are measured: elsewhere they would not share their processors.
"""
import contextlib
import socket
import statistics
import subprocess
import time

from .. import paths, programs
from ..figures import Side
from ..processes import bound
from .broadcast import Room

READERS, SLOW, RATE_OF_ROOM, SIZE = 100, 50, 1_000, 2_000
SMALL_ROOMS, EACH, USERS, RATE, LARGE_ROOM, RATE_OF_LARGE = 1_000, 3, 500, 600, 5_000, 10
SECONDS = 3


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


def others_of_room(server, slow):
    """p99 of a room's readers in milliseconds, with slow ones among them or not."""
    room, count = Room(server), RATE_OF_ROOM * SECONDS
    with room.waiting(count, READERS) as waiting, slow_readers(room) if slow else contextlib.nullcontext():
        room.send(count, 1_000_000, RATE_OF_ROOM, SIZE)
        return waiting.result()["p99_ms"]


@contextlib.contextmanager
def flood(server):
    """Twenty connections that send into a room of their own as fast as they may, and faster."""
    process = subprocess.Popen(
        bound([paths.PALAVER, "bench", "send", "--url", server.base, "--rate", "0", "--clients", "20", "--rooms", "1", "--seconds",
               "60", "--user-prefix", "flood"], is_polite=True), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    yield
    process.kill()
    process.wait()


@contextlib.contextmanager
def large_room(room):
    """A room of 5,000 readers in which ten messages a second are said."""
    count = 1_000_000
    with room.waiting(count, LARGE_ROOM, is_polite=True):
        arguments = [room.protocol, room.port, room.sender, count, 100, count, RATE_OF_LARGE]
        process = subprocess.Popen(bound(programs.command("speaker", *arguments), is_polite=True), stdout=subprocess.DEVNULL)
        yield
        process.kill()
        process.wait()


def fairness(context):
    quiet, slow = Side("quiet", "ms"), Side("slow", "ms")
    alone, flooded, beside = Side("alone", "ms"), Side("flooded", "ms"), Side("beside", "ms")

    def others(side, clients, disturbance):
        with disturbance:
            clients.say(f"{RATE * SECONDS} {RATE}")
            side.add(0, clients.answer()["p99_ms"])

    with context.server("--role", "edge", users=USERS) as server, \
            context.server("--role", "edge", "--send-rate", "100", users=LARGE_ROOM) as limited, \
            programs.Background("crowd", limited.port, SMALL_ROOMS, EACH, USERS, min(limited.rooms(SMALL_ROOMS)), SMALL_ROOMS) as clients:
        room = Room(limited)
        # Once for nothing: whoever comes first on a fresh server is slower.
        others_of_room(server, slow=False)
        others(Side("", ""), clients, contextlib.nullcontext())
        for _ in context.rounds():
            quiet.add(0, others_of_room(server, slow=False))
            slow.add(0, others_of_room(server, slow=True))
            others(alone, clients, contextlib.nullcontext())
            others(flooded, clients, flood(limited))
            others(beside, clients, large_room(room))
        cut_off = server.metric("palaver_websocket_overflows_total") / len(slow.rates)
    for key, what, side, base, more in (
            ("slow-readers", f"p99 of a room's readers beside {SLOW} that do not read", slow, quiet, f"; {cut_off:.0f} of them cut off"),
            ("flood", "p99 of 1,000 small rooms beside senders that flood another room", flooded, alone, ""),
            ("large-room", f"p99 of 1,000 small rooms beside a room of {LARGE_ROOM:,}", beside, alone, "")):
        context.row(key, what, "the same without them", 1.5, [one / other for one, other in zip(side.rates, base.rates)],
                    f"p99 {statistics.median(side.rates):.2f} ms, without {statistics.median(base.rates):.2f} ms{more}", better="lower")
