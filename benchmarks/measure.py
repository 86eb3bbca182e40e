#!/usr/bin/env python3
"""Measures Palaver beside what the machine allows and beside its rivals, alternating in one run.

Needs the back ends of the test stack, a release build and the C programs of this folder:
  scripts/with-stack benchmarks/measure.py --write           (`make performance`)
  scripts/with-stack benchmarks/measure.py --only broadcast,joins --rounds 3 --write
Results are kept in .build/performance.json: a run of some workloads replaces theirs alone. --write puts them into
docs/performance.md, between its marks, and draws the plots beside it; --write --only none does just that.
"""
import argparse
import resource
import signal
import sys
import time
import traceback

from performance import backends, document, paths, plots, results
# For the other programs of this folder, which import this one.
from performance.backends import call, temporary_stack
from performance.bulk import raw_bulk
from performance.context import Context, Unavailable
from performance.figures import spread
from performance.paths import PALAVER, PROGRAMS as BIN, ROOT
from performance.processes import processor_seconds as cpu
from performance.servers import Server
from performance.workloads import ALL

__all__ = ["BIN", "PALAVER", "ROOT", "Server", "call", "cpu", "paths", "raw_bulk", "spread", "temporary_stack"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", help=f"some of {', '.join(ALL)}, or none")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    options = parser.parse_args()
    options.names = list(ALL) if options.only is None else [name for name in options.only.split(",") if name != "none"]
    unknown = [name for name in options.names if name not in ALL]
    if unknown:
        parser.error(f"no workload {unknown[0]}: {', '.join(ALL)}")
    return options


# Seconds of all workloads, of one at most, and what each of those that follow must be left.
ALL_SECONDS, MOST_SECONDS, LEAST_SECONDS = 3_000, 300, 40


def measure(name, options, pids, kept, seconds):
    """Runs a workload; returns whether it could be measured, or need not be here."""
    print(f"{name} …", flush=True)
    context = Context(name, options, pids, seconds)
    try:
        ALL[name](context)
    except Unavailable as reason:
        context.say(f"left out: {reason}")
        kept.setdefault("notes", {})[name] = str(reason)
        results.save(kept)
        return True
    except Exception as error:  # The other workloads go on, and this one's earlier figures stay.
        traceback.print_exc()
        context.say(f"FAILED: {error}")
        return False
    kept.get("notes", {}).pop(name, None)
    results.replace(kept, context)
    results.save(kept)
    return True


def in_order(kept):
    for kind in ("rows", "costs"):
        kept[kind].sort(key=lambda row: list(ALL).index(row["workload"]) if row["workload"] in ALL else len(ALL))


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # For ten thousand connections, on either side.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65_536), hard))
    kept, begun, failed = results.load(), time.monotonic(), []
    pids = backends.pids() if options.names else {}
    for number, name in enumerate(options.names):
        left = ALL_SECONDS - (time.monotonic() - begun) - LEAST_SECONDS * (len(options.names) - number - 1)
        if not measure(name, options, pids, kept, max(LEAST_SECONDS, min(MOST_SECONDS, left))):
            failed.append(name)
    in_order(kept)
    if options.write and kept["rows"]:
        plots.draw(kept)
        document.write(kept)
    print(f"{len(options.names) - len(failed)} workloads in {time.monotonic() - begun:.0f} s", flush=True)
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
