"""Ten thousand rooms and as many connections of three rooms each, beside a tenth of that under the same load."""
import statistics

from .. import programs
from ..figures import Side

LARGE, SMALL, EACH, USERS = 10_000, 1_000, 3, 500
EVENTS, RATE = 6_000, 2_000


def crowd(server, count):
    """So many connections, each in three of as many rooms."""
    ids = sorted(server.rooms(count))
    if ids[-1] - ids[0] != count - 1:
        raise RuntimeError("the rooms' ids are not dense")
    return programs.Background("crowd", server.port, count, EACH, USERS, ids[0], count)


def load(context, side, server, clients):
    """Seconds of the server's processor time an event."""
    before = side.total("palaver")
    with context.using(side, server):
        clients.say(f"{EVENTS} {RATE}")
        reply = clients.answer()
    side.add(EVENTS, reply["p99_ms"])
    return (side.total("palaver") - before) / EVENTS


def rooms(context):
    large, small = Side("Palaver, 10,000 rooms", "events"), Side("Palaver, 1,000 rooms", "events")
    costs = {large: [], small: []}
    with context.server("--role", "edge", users=USERS) as many, context.server("--role", "edge", users=USERS) as few, \
            crowd(many, LARGE) as of_many, crowd(few, SMALL) as of_few:
        context.say("all have joined")
        for _ in context.rounds():
            for side, server, clients in ((large, many, of_many), (small, few, of_few)):
                costs[side].append(load(context, side, server, clients))
    context.row("rooms", "10,000 rooms, 10,000 connections of 3 rooms each: cost of an event", "a tenth of that", 1.2,
                [one / other for one, other in zip(costs[large], costs[small])],
                f"{statistics.median(costs[large]) * 1e6:.0f} µs of processor time an event at {RATE:,} events/s, "
                f"{statistics.median(costs[small]) * 1e6:.0f} µs with a tenth; delivery p99 {large.rate:.1f} and {small.rate:.1f} ms",
                better="lower")
    context.cost(large, small)
