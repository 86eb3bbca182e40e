"""Everybody joins one room at once and gets its history, then once more: beside ejabberd."""
from .. import processes, programs
from ..context import Unavailable
from ..figures import Side, ratios
from ..servers import Server
from .broadcast import Room, rival

JOINERS, MESSAGES = 2_000, 100


def filled_room(server):
    """A fresh room with its messages."""
    room = Room(server)
    room.send(MESSAGES, 50)
    return room


def storm(side, room, port, using, others):
    """Everybody joins a room on a server, and has all of its messages; once the other servers are done with their last."""
    processes.wait_until_quiet(*others)
    with programs.Background("readers", room.protocol, port, room.readers, JOINERS, MESSAGES, "storm") as waiting, using:
        waiting.say("go")
        reply = waiting.result()
    side.add(JOINERS, JOINERS / reply["seconds"])


def joins(context):
    ours, again, theirs, theirs_again = (
        Side(name, "joins") for name in ("Palaver", "Palaver, again", "ejabberd", "ejabberd, again"))
    reads = []
    with context.server("--role", "edge", users=JOINERS) as filled, \
            Server(filled.settings, "--role", "edge") as server, rival(context, JOINERS) as other:
        if not other:
            raise Unavailable("ejabberd is not installed: scripts/install-packages performance")
        servers = [filled.pid, server.pid]
        for _ in context.rounds():
            before, room = server.metric("palaver_tail_loads_total"), filled_room(filled)
            storm(ours, room, server.port, context.using(ours, server), [other.pid])
            reads.append(server.metric("palaver_tail_loads_total") - before)
            their_room = filled_room(other)
            storm(theirs, their_room, other.port, context.using(theirs, ejabberd=other.pid), servers)
            storm(again, room, server.port, context.using(again, server), [other.pid])
            storm(theirs_again, their_room, other.port, context.using(theirs_again, ejabberd=other.pid), servers)
    context.row("joins", "2,000 joins at once, 100 messages of history each", "ejabberd", 10,
                ratios(ours.rates, theirs.rates),
                f"all have all after {JOINERS / ours.rate:.2f} s, ejabberd {JOINERS / theirs.rate:.2f} s; reads of the room "
                f"{min(reads):.0f} to {max(reads):.0f} (aim ≤ 1)")
    context.row("joins-again", "the same people again, who are members now", "ejabberd", 10, ratios(again.rates, theirs_again.rates),
                f"{JOINERS / again.rate:.2f} s, ejabberd {JOINERS / theirs_again.rate:.2f} s")
    context.cost(ours, again, theirs, theirs_again)
