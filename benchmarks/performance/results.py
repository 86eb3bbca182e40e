"""Results of earlier and of this run: .build/performance.json."""
import json
import os
import platform
import time

from . import paths


def today():
    return time.strftime("%Y-%m-%d")


def processor():
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def load():
    if not os.path.exists(paths.RESULTS):
        return {"rows": [], "costs": [], "series": {}}
    with open(paths.RESULTS) as file:
        return json.load(file)


def save(results):
    os.makedirs(os.path.dirname(paths.RESULTS), exist_ok=True)
    partial = paths.RESULTS + ".partial"
    with open(partial, "w") as file:
        json.dump(results, file, indent=1)
    os.replace(partial, paths.RESULTS)


def replace(results, context):
    """Puts a workload's figures in the place of its earlier ones."""
    for kind, new in (("rows", context.rows), ("costs", context.costs)):
        results[kind] = [one for one in results[kind] if one["workload"] != context.workload] + new
    results["machine"] = f"{os.cpu_count()} cores ({processor()})"
    results.setdefault("rounds", {})[context.workload] = context.options.rounds
    results.setdefault("notes", {}).update(context.notes)
