"""Durable sends, beside the journal's transaction written by hand."""
import statistics

from .. import backends, programs
from ..figures import Side, ratios
from ..servers import Histogram

TOTAL, SENDERS, WINDOW, SIZE = 120_000, 20, 20, 100


def by_hand(database, batch):
    url = backends.mysql_url()
    return programs.run("journal_by_hand", url.hostname, url.port, url.username, url.password or "", database, 1,
                        TOTAL // batch * batch, batch, SIZE)


def sends(context):
    # Without an indexer, as the program by hand has none beside it.
    ours, hand = Side("Palaver", "sends"), Side("by hand", "sends")
    taken, batches = [], []
    with context.server("--role", "edge", users=SENDERS) as server:
        room = server.room()
        size = Histogram(server, "palaver_journal_batch_size")
        for _ in context.rounds():
            size.mean()
            with context.using(ours, server):
                taken.append(programs.run(
                    "senders", server.port, f"/v1/chatrooms/{room}/join?user=bench%d", SENDERS, TOTAL, WINDOW, SIZE))
            ours.add(TOTAL, taken[-1]["per_second"])
            batches.append(max(1, round(size.mean())))
            with context.using(hand):
                reply = by_hand(server.settings["PALAVER_DATABASE_URL"].rsplit("/", 1)[1], batches[-1])
            hand.add(TOTAL, reply["per_second"])
    context.row("sends", "durable sends acknowledged", "the journal's transaction by hand", 0.7, ratios(ours.rates, hand.rates),
                f"{ours.rate:,.0f}/s in batches of {statistics.median(batches):.0f}, ack p50 "
                f"{statistics.median(one['p50_ms'] for one in taken):.1f} ms, p99 "
                f"{statistics.median(one['p99_ms'] for one in taken):.1f} ms; by hand {hand.rate:,.0f}/s")
    context.cost(ours, hand)
