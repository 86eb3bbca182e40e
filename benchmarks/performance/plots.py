"""The plots of docs/performance.md."""
import math
import os
import statistics

from . import paths
from .figures import rounded
from .svg import COLOURS, Drawing

PROCESSES = ["palaver", "mariadbd", "elasticsearch", "redis", "ejabberd", "nginx", "raw program"]
LABELS, BARS, WIDTH, ROW = 250, 430, 900, 24


def score(row, ratio):
    """1 is the aim, more is better, whichever way the ratio goes."""
    return ratio / row["aim"] if row["better"] == "higher" else row["aim"] / max(ratio, 1e-9)


def colour(process):
    return COLOURS[PROCESSES.index(process.rstrip("0123456789 "))] if process.rstrip("0123456789 ") in PROCESSES else COLOURS[-1]


def aims(rows):
    """Each round's ratio beside the aim, on one scale."""
    rows = [row for row in rows if row["aim"]]
    drawing = Drawing(WIDTH, 70 + ROW * len(rows), "Ratios beside their aims")
    scores = [score(row, ratio) for row in rows for ratio in row["ratios"]]
    low, high = math.log(min(0.25, *scores)), math.log(max(4, *scores))

    def x(value):
        return LABELS + BARS * (math.log(value) - low) / (high - low)

    bottom = 40 + ROW * len(rows)
    for tick in (0.01, 0.1, 0.25, 0.5, 1, 2, 4, 10, 100, 1000):
        if low <= math.log(tick) <= high:
            drawing.line(x(tick), 30, x(tick), bottom, "aim" if tick == 1 else "grid")
            drawing.text(x(tick), bottom + 16, "aim" if tick == 1 else f"{tick:g}×", "quiet small", "middle")
    drawing.text(10, 18, "Each round's ratio in parts of the aim: right of the dashed line it is met", "title")
    for number, row in enumerate(rows):
        y = 30 + ROW * (number + 0.5)
        middle = score(row, statistics.median(row["ratios"]))
        state = "met" if middle >= 1 else "missed"
        drawing.text(LABELS - 12, y + 4, f"{row['key']}", "", "end")
        for ratio in row["ratios"]:
            drawing.dot(x(score(row, ratio)), y, 3.5, state, 0.45)
        drawing.dot(x(middle), y, 6, state)
        sign = "≥" if row["better"] == "higher" else "≤"
        drawing.text(LABELS + BARS + 16, y + 4, f"{rounded(statistics.median(row['ratios']))} (aim {sign} {row['aim']:g})", "quiet small")
    drawing.save(os.path.join(paths.PLOTS, "aims.svg"))


def costs(rows):
    """Processor time of a thousand events by process; each workload has a scale of its own."""
    groups = {}
    for row in rows:
        groups.setdefault((row["workload"], row["unit"].replace("documents", "messages")), []).append(row)
    count = sum(len(group) for group in groups.values())
    drawing = Drawing(WIDTH, 80 + ROW * count + 10 * len(groups), "Processor time by process")
    drawing.text(10, 18, "Milliseconds of processor time a thousand events, by process (a scale for each workload)", "title")
    names = [name for name in PROCESSES if any(key.startswith(name) for row in rows for key in row["per_thousand"])]
    for number, name in enumerate(names):
        drawing.box(10 + 125 * number, 32, 10, 10, colour(name))
        drawing.text(24 + 125 * number, 41, name, "quiet small")
    y = 60.0
    for (workload, unit), group in groups.items():
        most = max(sum(row["per_thousand"].values()) for row in group) or 1
        for row in group:
            drawing.text(LABELS - 12, y + 14, f"{workload}: {row['side'].replace('`', '')}", "small", "end")
            x = float(LABELS)
            for name, value in sorted(row["per_thousand"].items(), key=lambda item: item[0] != "palaver"):
                drawing.box(x, y + 3, BARS * value / most, ROW - 8, colour(name))
                x += BARS * value / most
            drawing.text(x + 8, y + 14, f"{rounded(sum(row['per_thousand'].values()) * 1_000)} ms / 1,000 {unit}", "quiet small")
            y += ROW
        y += 10
    drawing.save(os.path.join(paths.PLOTS, "costs.svg"))


def over_time(name, title, series, unit):
    """Lines over minutes. `series`: by name, a list of (seconds, value)."""
    drawing = Drawing(WIDTH, 320, title)
    drawing.text(10, 18, title, "title")
    longest = max(seconds for points in series.values() for seconds, _ in points) or 1
    highest = max(value for points in series.values() for _, value in points) * 1.1 or 1
    left, right, top, bottom = 70, WIDTH - 20, 60, 280
    for part in range(5):
        y = bottom - (bottom - top) * part / 4
        drawing.line(left, y, right, y, "axis" if part == 0 else "grid")
        drawing.text(left - 8, y + 4, rounded(highest * part / 4), "quiet small", "end")
        drawing.text(left + (right - left) * part / 4, bottom + 18, f"{longest * part / 4 / 60:.1f} min", "quiet small",
                     "end" if part == 4 else "middle")
    for number, (label, points) in enumerate(series.items()):
        tint = COLOURS[number % len(COLOURS)]
        drawing.box(left + 150 * number, 34, 10, 10, tint)
        drawing.text(left + 14 + 150 * number, 43, f"{label}, {unit}", "quiet small")
        drawing.path([(left + (right - left) * seconds / longest, bottom - (bottom - top) * value / highest)
                      for seconds, value in points], tint)
    drawing.save(os.path.join(paths.PLOTS, f"{name}.svg"))


def draw(results):
    os.makedirs(paths.PLOTS, exist_ok=True)
    if any(row["aim"] for row in results["rows"]):
        aims(results["rows"])
    if results["costs"]:
        costs(results["costs"])
