"""docs/performance.md: what stands between this program's marks is written anew, all else is kept."""
import os
import re
import statistics

from . import paths
from .figures import rounded, spread
from .plots import score

MEGABYTE = 1_000_000


def marks(name):
    return f"<!-- {name}: written by make performance -->", f"<!-- end of {name} -->"


def put(text, name, lines, after=None):
    """Puts lines between the marks of a name; without marks yet, behind those of `after` or else at the end."""
    begin, end = marks(name)
    block = "\n".join([begin, *lines, end])
    if begin in text:
        return re.sub(re.escape(begin) + ".*?" + re.escape(end), lambda _: block, text, flags=re.S)
    if after and marks(after)[1] in text:
        return text.replace(marks(after)[1], marks(after)[1] + "\n\n" + block, 1)
    return text.rstrip("\n") + "\n\n" + block + "\n"


def aim(row):
    if not row["aim"]:
        return "", ""
    sign = "≥" if row["better"] == "higher" else "≤"
    return f"{sign} {row['aim']:g}", "yes" if score(row, statistics.median(row["ratios"])) >= 1 else "**no**"


def table(results):
    lines = ["Each workload beside its limit or its rival, alternating in one run, everything on one machine of "
             f"{results['machine']}. A ratio is minimum / **median** / maximum over the rounds; figures are medians.", "",
             "| work | against | ratio | aim | met | figures | rounds, day |", "|---|---|---|---|---|---|---|"]
    for row in results["rows"]:
        bound, met = aim(row)
        lines.append(f"| {row['work']} | {row['against']} | {spread(row['ratios'])} | {bound} | {met} | {row['text']} | "
                     f"{len(row['ratios'])}, {row['when']} |")
    for workload, reason in sorted(results.get("notes", {}).items()):
        lines.append(f"\nNot measured: {workload} ({reason}).")
    return lines + ["", "![Ratios beside their aims](performance/aims.svg)"]


def costs(results):
    names = sorted({name for row in results["costs"] for name in row["per_thousand"]},
                   key=lambda name: (not name.startswith("palaver"), name))
    lines = ["Processor time in milliseconds a thousand events; cores in use while it ran; memory at the end of a round "
             "in MB (proportional set size).", "",
             "| work | side | a thousand | " + " | ".join(names) + " | cores | memory |",
             "|" + "---|" * (len(names) + 5)]
    for row in results["costs"]:
        cells = [rounded(row["per_thousand"][name] * 1_000) if name in row["per_thousand"] else "" for name in names]
        memory = ", ".join(f"{name} {value / MEGABYTE:,.0f}" for name, value in row["memory"].items()
                           if value and name not in ("mariadbd", "redis", "elasticsearch"))
        lines.append(f"| {row['workload']} | {row['side']} | {row['unit']} | " + " | ".join(cells)
                     + f" | {sum(row['cores'].values()):.2f} | {memory} |")
    return lines + ["", "![Processor time by process](performance/costs.svg)"]


def read():
    if not os.path.exists(paths.DOCUMENT):
        return "# Performance\n"
    with open(paths.DOCUMENT) as file:
        return file.read()


def save(text):
    with open(paths.DOCUMENT, "w") as file:
        file.write(text)


def write(results):
    text = put(read(), "table", table(results))
    save(put(text, "costs", costs(results), after="table") if results["costs"] else text)
