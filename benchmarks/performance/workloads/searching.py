"""Searches beside the same queries sent to Elasticsearch: benchmarks/search.py, on fewer messages than it takes by itself."""
import os
import re
import statistics
import subprocess
import sys

from .. import paths
from ..context import Unavailable

MESSAGES, QUERIES = 150_000, 40
# class | clients | p50 / p99 of Palaver | p50 / p99 of Elasticsearch | …
LINE = re.compile(r"^(.+?) \| (\d+) \| ([\d.]+) / [\d.]+ \| ([\d.]+) / [\d.]+ \|", re.M)


def search(context):
    if not os.path.isdir(paths.CORPORA):
        raise Unavailable(f"there are no conversations in {paths.CORPORA}: set PALAVER_SHARED")
    result = subprocess.run(
        [sys.executable, os.path.join(paths.ROOT, "benchmarks", "search.py"), "--messages", str(MESSAGES), "--queries",
         str(QUERIES), "--rounds", str(context.options.rounds), "--clients", "1", "--no-embedded", "--only", "classes",
         "--corpora", paths.CORPORA],
        capture_output=True, text=True, check=False, timeout=context.left() + 60, env=dict(os.environ, PALAVER=paths.PALAVER))
    if result.returncode:
        raise RuntimeError(result.stderr.strip()[-500:])
    classes = [(name, float(ours), float(direct)) for name, _, ours, direct in LINE.findall(result.stdout)]
    context.row("search", "search p50, each class of queries", "1.1 × Elasticsearch's own + 0.5 ms", 1,
                [ours / (1.1 * direct + 0.5) for _, ours, direct in classes],
                "; ".join(f"{name} {ours:.2f} ms, direct {direct:.2f}" for name, ours, direct in classes)
                + f"; in all {statistics.median(ours / direct for _, ours, direct in classes):.2f} ×", better="lower")
