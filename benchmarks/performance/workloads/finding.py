"""How soon everybody finds what was acknowledged, under load: one server takes messages, searches ask another."""
import concurrent.futures
import statistics

from .. import programs
from ..servers import Server

LOAD, PROBES, SECONDS = 1_000, 20, 15
AIM = 1_000  # milliseconds, of 99 in 100


def once(context, servers):
    """One round: what `bench lag` says while `bench send` keeps the other server busy."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        load = pool.submit(programs.bench, "send", servers[0].port, "--rate", str(LOAD), "--seconds", str(SECONDS + 4))
        report = programs.bench("lag", servers[1].port, "--rate", str(PROBES), "--seconds", str(SECONDS))
        load.result()
    found = next(measure for measure in report["measures"] if measure["name"] == "ack to found")
    context.say(f"found p50 {found['p50_ms']:.1f} ms, p99 {found['p99_ms']:.1f} ms, {found['count']} messages")
    return found


def finding(context):
    with context.server() as first, Server(first.settings) as second:
        found = [once(context, (first, second)) for _ in context.rounds()]
    p50, p99 = (statistics.median(one[key] for one in found) for key in ("p50_ms", "p99_ms"))
    context.row("finding", "acknowledged by one server until found through another, p99", "one second", 1,
                [one["p99_ms"] / AIM for one in found],
                f"p50 {p50:.1f} ms, p99 {p99:.1f} ms while {LOAD:,} messages/s are sent, {PROBES}/s of them looked for",
                better="lower")
