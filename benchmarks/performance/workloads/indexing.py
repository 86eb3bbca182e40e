"""Indexing beside a raw `_bulk` loop of the same documents: imports, a full journal, and messages as they are sent."""
import contextlib
import os
import statistics
import subprocess
import tempfile
import time

from .. import backends, bulk, paths, programs, texts
from ..figures import Side, ratios
from ..servers import Server

IMPORTED, DRAINED, SUSTAINED = 300_000, 100_000, 60_000
ROOMS, WINDOW = 20, 100
LIMIT = "a raw `_bulk` loop of the same documents"


def palaver(stack, *arguments):
    """Runs a command on an installation."""
    result = subprocess.run([paths.PALAVER, *arguments], capture_output=True, text=True, check=False,
                            env=dict(os.environ, PALAVER_LOG="warning", **stack))
    if result.returncode:
        raise RuntimeError(result.stderr[-500:])


def imports(context):
    """Into an installation of its own each round, as the raw loop has an index of its own."""
    ours, loop = Side("Palaver", "messages"), bulk.Loop(context)
    lines, source = texts.lines(IMPORTED)
    with tempfile.NamedTemporaryFile("w", prefix="palaver-measure-", suffix=".ndjson") as file:
        file.writelines(lines)
        file.flush()
        for _ in context.rounds():
            with context.stack() as stack:
                palaver(stack, "migrate")
                bulk.settle()
                start = time.monotonic()
                with context.using(ours, indexing=True, ended_children="palaver"):
                    palaver(stack, "import", "--quiet", file.name)
                ours.add(len(lines), len(lines) / (time.monotonic() - start))
                loop.round(stack)
    raw = loop.side
    context.row("import", "import into Elasticsearch", LIMIT, 0.9, ratios(ours.rates, raw.rates),
                f"{ours.rate:,.0f} messages/s, raw {raw.rate:,.0f}/s ({source}, {len(lines):,} messages)")
    context.cost(ours, raw)


def wait_until_indexed(stack, patience=60):
    """Waits until the index has everything that the journal has."""
    database = stack["PALAVER_DATABASE_URL"].rsplit("/", 1)[1]
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if backends.sql("SELECT COALESCE(SUM(head - indexed), 0) FROM journal_lanes", database, rows=True) == ["0"]:
            return
        time.sleep(0.05)
    raise RuntimeError("the index does not catch up")


@contextlib.contextmanager
def chat(context, count, *flags):
    """A server with some rooms, a file of what is said, and how to say so much of it."""
    with context.server(*flags, users=0) as server, tempfile.TemporaryDirectory(prefix="palaver-measure-") as folder:
        server.user("sender")
        first = min(server.rooms(ROOMS))
        path = os.path.join(folder, "texts")
        texts.write_messages(path, count)

        def say():
            return programs.run("senders", server.port, "/v1/chatrooms/%d/join?user=sender", ROOMS, count, WINDOW, path, first)

        yield server, say


def drain(context):
    ours = Side("Palaver", "messages")
    with chat(context, DRAINED, "--role", "edge") as (server, say):
        loop = bulk.Loop(context)
        for _ in context.rounds():
            say()
            start = time.monotonic()
            with Server(server.settings, "--role", "indexer") as indexer, context.using(ours, indexer, indexing=True):
                wait_until_indexed(server.settings)
                seconds = time.monotonic() - start
            ours.add(DRAINED, DRAINED / seconds)
            loop.round(server.settings)
    raw = loop.side
    context.row("drain", "drain of a full journal, from the indexer's start on", LIMIT, 0.75, ratios(ours.rates, raw.rates),
                f"{ours.rate:,.0f} messages/s, raw {raw.rate:,.0f}/s ({DRAINED:,} messages in {ROOMS} rooms)")
    context.cost(ours, raw)


def sustained(context):
    ours, acked, factors = Side("Palaver", "messages"), [], []
    with chat(context, SUSTAINED) as (server, say):
        loop = bulk.Loop(context)
        raw = loop.side
        for _ in context.rounds():
            before, raw_before = ours.total(), raw.total()
            start = time.monotonic()
            with context.using(ours, server, indexing=True):
                acked.append(say()["per_second"])
                wait_until_indexed(server.settings)
                seconds = time.monotonic() - start
            ours.add(SUSTAINED, SUSTAINED / seconds)
            loop.round(server.settings)
            documents = raw.events / len(raw.rates)
            factors.append(((ours.total() - before) / SUSTAINED) / ((raw.total() - raw_before) / documents))
    context.row("sustained", "sent, acknowledged and indexed, until the index has caught up", LIMIT, 0.4, ratios(ours.rates, raw.rates),
                f"{ours.rate:,.0f} messages/s (acknowledged at {statistics.median(acked):,.0f}/s), raw {raw.rate:,.0f}/s")
    context.row("sustained-cost", "the same: processor time a message, of all processes", "Elasticsearch's in the raw loop", 2.5,
                factors, f"{ours.total() / ours.events * 1e6:.0f} µs, raw {raw.total() / raw.events * 1e6:.0f} µs", better="lower")
    context.cost(ours, raw)
