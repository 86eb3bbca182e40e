"""One sender and a thousand readers of a room: beside raw epoll and writev, and beside ejabberd."""
import contextlib
import statistics

from .. import backends, ejabberd, programs
from ..context import Unavailable
from ..figures import Side, ratios

READERS, SIZE, WINDOW = 1_000, 100, 200
# ejabberd gets fewer, so that a round of it lasts about as long.
MESSAGES, MESSAGES_OF_EJABBERD = 6_000, 150
SECONDS_OF_LATENCY = 4


@contextlib.contextmanager
def rival(context, accounts):
    """A running ejabberd with its own database, or none where it is not installed."""
    if not ejabberd.is_installed():
        context.say("ejabberd is not installed: left out")
        yield None
        return
    with backends.temporary_database(context.name()) as database:
        server = ejabberd.Ejabberd(database, accounts)
        try:
            yield server
        finally:
            server.stop()


class Room:
    """A fresh room on a server of either kind, as the C programs name it."""
    made = 0

    def __init__(self, server):
        if isinstance(server, ejabberd.Ejabberd):
            Room.made += 1
            self.protocol = "xmpp"
            self.readers = self.sender = f"room{Room.made}"
        else:
            self.protocol = "raw"
            path = f"/v1/chatrooms/{server.room()}/join?user="
            self.readers, self.sender = path + "bench%d", path + "sender"
        self.port = server.port

    def waiting(self, count, readers, is_polite=False):
        """Readers that have joined and wait for so many messages each."""
        return programs.Background("readers", self.protocol, self.port, self.readers, readers, count, is_polite=is_polite)

    def send(self, count, window, rate=0, size=SIZE):
        return programs.run("speaker", self.protocol, self.port, self.sender, count, size, window, rate)


def burst(side, server, count, using=contextlib.nullcontext()):
    """A window of messages under way all the time; what the readers saw."""
    room = Room(server)
    with room.waiting(count, READERS) as waiting, using:
        room.send(count, WINDOW)
        reply = waiting.result()
    side.add(reply["messages"], reply["per_second"])
    return reply


def raw_burst(context, side, payload):
    port = ejabberd.free_port()
    with programs.Background("broadcast_raw", port, READERS, greeting="listening") as raw, \
            programs.Background("readers", "frames", port, "/", READERS, MESSAGES) as waiting, \
            side.using(**{"raw program": raw.pid}):
        programs.run("speaker", "frames", port, "/", MESSAGES, payload, WINDOW)
        reply = waiting.result()
    side.add(reply["messages"], reply["per_second"])


def broadcast(context):
    ours, raw, other = Side("Palaver", "deliveries"), Side("raw epoll", "deliveries"), Side("ejabberd", "deliveries")
    with context.server("--role", "edge", users=READERS) as server, rival(context, READERS) as theirs:
        for _ in context.rounds():
            reply = burst(ours, server, MESSAGES, context.using(ours, server))
            raw_burst(context, raw, reply["bytes"] // reply["messages"] - 4)
            if theirs:
                burst(other, theirs, MESSAGES_OF_EJABBERD, context.using(other, ejabberd=theirs.pid))
    context.row("broadcast", "broadcast to 1,000 readers of a room", "raw epoll and writev", 0.8,
                ratios(ours.rates, raw.rates), f"{ours.rate:,.0f} deliveries/s, raw {raw.rate:,.0f}/s")
    context.cost(ours, raw)
    if other.rates:
        context.row("broadcast-ejabberd", "the same", "ejabberd", 5, ratios(ours.rates, other.rates),
                    f"ejabberd {other.rate:,.0f} deliveries/s")
        context.cost(other)


def timed(context, side, server, rate):
    """Messages at even intervals; milliseconds that the slowest hundredth of the deliveries took."""
    room, count = Room(server), max(20, round(rate * SECONDS_OF_LATENCY))
    with room.waiting(count, READERS) as waiting:
        using = context.using(side, ejabberd=server.pid) if room.protocol == "xmpp" else context.using(side, server)
        with using:
            room.send(count, 1_000_000, rate)
            reply = waiting.result()
    side.add(reply["messages"], reply["p99_ms"])
    return reply


def latency(context):
    ours, theirs, half = (Side(name, "deliveries") for name in ("Palaver", "ejabberd", "Palaver at half of its own load"))
    with context.server("--role", "edge", users=READERS) as server, rival(context, READERS) as other:
        if not other:
            raise Unavailable("ejabberd is not installed: scripts/install-packages performance")
        rate = burst(Side("", ""), other, 100)["per_second"] / READERS / 2
        own = burst(Side("", ""), server, 2_000)["per_second"] / READERS / 2
        context.say(f"half load: ejabberd {rate:,.0f} messages/s, Palaver {own:,.0f}")
        medians = {"ours": [], "theirs": []}
        for _ in context.rounds():
            medians["ours"].append(timed(context, ours, server, rate)["p50_ms"])
            medians["theirs"].append(timed(context, theirs, other, rate)["p50_ms"])
            timed(context, half, server, own)
    context.row("latency", "delivery p99 to 1,000 readers at half of ejabberd's load", "ejabberd", 0.5,
                ratios(ours.rates, theirs.rates),
                f"at {rate:,.0f} messages/s p50 {statistics.median(medians['ours']):.2f} ms, p99 {ours.rate:.2f} ms; ejabberd "
                f"{statistics.median(medians['theirs']):.2f} and {theirs.rate:.2f} ms. At half of Palaver's own load, "
                f"{own:,.0f} messages/s, its p99 is {half.rate:.1f} ms", better="lower")
    context.cost(ours, theirs)
