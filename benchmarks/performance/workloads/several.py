"""The same load on one server and on two."""
import contextlib
import statistics

from .. import programs
from ..figures import Side
from ..servers import Server
from .broadcast import Room

READERS, RATE, SECONDS = 1_000, 500, 4


def load(context, side, servers):
    """Readers spread over the servers; processor time of a delivery."""
    room = Room(servers[0])
    count, share = RATE * SECONDS, READERS // len(servers)
    before = side.total()
    with contextlib.ExitStack() as stack:
        waiting = [stack.enter_context(programs.Background(
            "readers", "raw", server.port, room.readers, share, count)) for server in servers]
        with context.using(side, servers):
            room.send(count, 1_000_000, RATE)
            replies = [one.result() for one in waiting]
    side.add(count * READERS, max(reply["p99_ms"] for reply in replies))
    return (side.total() - before) / (count * READERS)


def servers(context):
    single, double = Side("one server", "deliveries"), Side("two servers", "deliveries")
    costs = {single: [], double: []}
    with context.server("--role", "edge", users=READERS) as one, context.server("--role", "edge", users=READERS) as first, \
            Server(first.settings, "--role", "edge") as second:
        for _ in context.rounds():
            costs[single].append(load(context, single, [one]))
            costs[double].append(load(context, double, [first, second]))
    context.row("servers", "two servers, the same load: processor time of a delivery", "one server", 1.3,
                [two / one for two, one in zip(costs[double], costs[single])],
                f"{statistics.median(costs[double]) * 1e6:.2f} s a million deliveries, one server "
                f"{statistics.median(costs[single]) * 1e6:.2f} s, back ends included; delivery p99 {double.rate:.1f} and "
                f"{single.rate:.1f} ms at {RATE} messages/s to {READERS:,} readers", better="lower")
    context.cost(double, single)
