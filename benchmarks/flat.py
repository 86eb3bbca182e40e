#!/usr/bin/env python3
"""Runs everything together for a long time at about half load (`palaver bench mixed`), and looks whether memory grows.

  scripts/with-stack benchmarks/flat.py --minutes 30                (`make flat`)
  benchmarks/flat.py --profile embedded --minutes 30 --rate 300
Memory of the server and of the bench that they share with nobody is sampled every ten seconds. The verdict compares the mean of the last minute with
that of the minute after the fifth (or after a sixth of a shorter run). It allows a twentieth more: the samples of a
minute differ by about that among themselves, with what is under way. What grows without end does not hide in that: the
line through all samples from then on is drawn, and the growth an hour that it shows is told. The server is a fresh one,
so that nothing it did before the first minute counts as memory it had.

Writes docs/performance/memory-PROFILE.svg, and a block of docs/performance.md. Ends with status 1 where memory grew by
more than a twentieth, or a promise was broken.
"""
import argparse
import contextlib
import json
import math
import statistics
import subprocess
import sys
import time

from performance import backends, document, paths, plots, processes, programs
from performance.figures import rounded
from performance.results import today
from performance.servers import Server

INTERVAL, MOST_GROWTH, MEGABYTE = 10, 1.05, 1_000_000
# An Elasticsearch that was just started takes long over its first searches, until it has compiled what they need.
WARM_UP_SECONDS = 30
# A load is too high where fewer than 95 in 100 operations are done in time, or acknowledgements take longer than this (ms).
MOST_ACK_P99, CALIBRATION_SECONDS, FIRST_RATE, LAST_RATE = 250, 8, 250, 16_000


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--profile", choices=["stack", "embedded"], default="stack")
    parser.add_argument("--rate", type=float, help="operations a second; without it, half of what is borne")
    return parser.parse_args()


def is_in_time(measure, seconds):
    """Whether as many were done as were due; arrivals are random, so three standard deviations fewer will do."""
    due = measure["asked_per_second"] * seconds
    return measure["count"] >= 0.95 * due - 3 * math.sqrt(due)


def is_borne(report):
    paced = [one for one in report["measures"] if "asked_per_second" in one]
    acks = next(one for one in report["measures"] if one["name"] == "ack")
    return all(is_in_time(one, report["seconds"]) for one in paced) and acks["p99_ms"] <= MOST_ACK_P99


def half_load(server):
    """Half of the highest rate, in doublings, that the server bears."""
    rate = FIRST_RATE
    while rate <= LAST_RATE:
        report = programs.bench("mixed", server.port, "--rate", rate, "--seconds", CALIBRATION_SECONDS, "--warm-up", 2)
        acks = next(one for one in report["measures"] if one["name"] == "ack")
        print(f"{rate} operations/s: {'borne' if is_borne(report) else 'too much'}, ack p99 {acks['p99_ms']:.0f} ms", flush=True)
        if not is_borne(report):
            break
        rate *= 2
    return rate / 4


def sampled(server, rate, seconds):
    """Runs the load; memory of both processes by the second, what rooms held of it at last, and the bench's report."""
    process = subprocess.Popen(
        processes.bound([paths.PALAVER, "bench", "mixed", "--url", server.base, "--rate", str(rate), "--seconds", str(seconds),
                         "--json"]),
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    series, held, start = {"server": [], "bench": []}, {}, time.monotonic()
    while process.poll() is None and time.monotonic() - start < seconds + 2:
        now = time.monotonic() - start
        for name, pid in (("server", server.pid), ("bench", process.pid)):
            series[name].append((now, processes.private_memory(pid) / MEGABYTE))
        if len(series["server"]) % 6 == 1:
            held = {part: server.metric("palaver_rooms_memory_bytes", part=part) / MEGABYTE for part in ("tails", "pages")}
            print(f"{now / 60:5.1f} min: server {series['server'][-1][1]:.1f} MB (tails {held['tails']:.1f}, pages "
                  f"{held['pages']:.1f}), bench {series['bench'][-1][1]:.1f} MB", flush=True)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(INTERVAL)
    return series, held, json.loads(process.communicate(timeout=300)[0])


def mean(points, begin, end):
    values = [value for seconds, value in points if begin <= seconds <= end]
    return statistics.mean(values) if values else 0


def verdict(points, seconds):
    """Megabytes after five minutes and at the end, a minute of each."""
    begin = min(300, seconds / 6)
    span = min(60, seconds / 6)
    return mean(points, begin, begin + span), mean(points, seconds - span, seconds + 2)


def growth_an_hour(points, seconds):
    """Megabytes an hour: the slope of the line through the samples after five minutes, by least squares."""
    later = [(when / 3_600, value) for when, value in points if when >= min(300, seconds / 6)]
    return statistics.linear_regression(*zip(*later)).slope if len(later) > 1 else 0


def spread_of_a_minute(points, begin):
    """Megabytes between the least and the greatest sample."""
    values = [value for seconds, value in points if begin <= seconds <= begin + 60]
    return max(values) - min(values) if values else 0


def failures(measure):
    """What was not done, in words; nothing where all was."""
    return "".join(f" ({count} failed: {reason})" for reason, count in measure["errors"].items())


def report(options, rate, series, result, growth, held):
    early, late = growth
    server, seconds = series["server"], options.minutes * 60
    measures = ", ".join(f"{one['name']} p50 {rounded(one['p50_ms'])} ms, p99 {rounded(one['p99_ms'])} ms{failures(one)}"
                         for one in result["measures"])
    plots.over_time(f"memory-{options.profile}", f"Memory over {options.minutes:g} minutes, {options.profile} profile", series, "MB")
    return [f"`palaver bench mixed` at {rate:g} operations a second for {options.minutes:g} minutes, {options.profile} profile "
            f"({today()}): the server's memory is {late:.1f} MB at the end, {early:.1f} MB after "
            f"{rounded(min(5, options.minutes / 6))} minutes: **{late / early:.3f}×** (aim ≤ {MOST_GROWTH}; the samples of that minute "
            f"lie within {spread_of_a_minute(server, min(300, seconds / 6)):.1f} MB). The line through the samples since then "
            f"rises by {growth_an_hour(server, seconds):.1f} MB an hour. At the end messages take {held['tails']:.1f} MB for joins "
            f"and {held['pages']:.1f} MB for pages. {measures}. "
            f"{'Nothing lost, doubled or out of order.' if result['ok'] else '**Broken promises.**'}", "",
            f"![Memory over time](performance/memory-{options.profile}.svg)"]


def main():
    options = arguments()
    stack = backends.temporary_stack("performanceflat") if options.profile == "stack" else contextlib.nullcontext()
    seconds = round(options.minutes * 60)
    with stack as settings:
        rate = options.rate
        if not rate:
            with Server(settings, "--search-rate", "1000000") as server:
                rate = half_load(server)
        if options.profile == "stack":
            with Server(settings, "--search-rate", "1000000") as server:
                programs.bench("mixed", server.port, "--rate", rate, "--seconds", WARM_UP_SECONDS)
        with Server(settings, "--search-rate", "1000000") as server:
            series, held, result = sampled(server, rate, seconds)
    growth = verdict(series["server"], seconds)
    lines = report(options, rate, series, result, growth, held)
    document.save(document.put(document.read(), f"memory of the {options.profile} profile", lines, after="costs"))
    print(lines[0], flush=True)
    sys.exit(0 if result["ok"] and growth[1] <= MOST_GROWTH * growth[0] else 1)


if __name__ == "__main__":
    main()
