"""Everybody joins one room at once and gets its history: beside ejabberd."""
import statistics

from .. import programs
from ..context import Unavailable
from ..figures import Side, ratios
from ..servers import Server
from .broadcast import Room, rival

JOINERS, MESSAGES = 2_000, 100


def storm(side, filled, joined, using):
    """Messages go into a room on one server; then everybody joins it, on that or another. The seconds until all have all."""
    room = Room(filled)
    room.send(MESSAGES, 50)
    with programs.Background("readers", room.protocol, joined.port, room.readers, JOINERS, MESSAGES, "storm") as waiting, \
            using:
        waiting.say("go")
        reply = waiting.result()
    side.add(JOINERS, JOINERS / reply["seconds"])


def joins(context):
    ours, theirs, reads = Side("Palaver", "joins"), Side("ejabberd", "joins"), []
    with context.server("--role", "edge", users=JOINERS) as filled, \
            Server(filled.settings, "--role", "edge") as server, rival(context, JOINERS) as other:
        if not other:
            raise Unavailable("ejabberd is not installed: scripts/install-packages performance")
        for _ in context.rounds():
            before = server.metric("palaver_tail_loads_total")
            storm(ours, filled, server, context.using(ours, server))
            reads.append(server.metric("palaver_tail_loads_total") - before)
            storm(theirs, other, other, context.using(theirs, ejabberd=other.pid))
    context.row("joins", "2,000 joins at once, 100 messages of history each", "ejabberd", 10,
                ratios(ours.rates, theirs.rates),
                f"all have all after {JOINERS / ours.rate:.2f} s, ejabberd {JOINERS / theirs.rate:.2f} s; reads of the room "
                f"{min(reads):.0f} to {max(reads):.0f} (aim ≤ 1)")
    context.cost(ours, theirs)
