"""Figures of a workload: sides that are compared, ratios, what they cost."""
import contextlib
import resource
import statistics

from . import processes


def spread(values, digits=2):
    """minimum / **median** / maximum."""
    return f"{min(values):.{digits}f} / **{statistics.median(values):.{digits}f}** / {max(values):.{digits}f}"


def rounded(value):
    """Three digits that count."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


class Side:
    """One side of a comparison: the rates of its rounds, and what it used of the machine."""

    def __init__(self, name, unit):
        self.name, self.unit = name, unit
        self.rates = []
        self.events = 0
        self.seconds = {}
        self.wall = 0.0
        self.memory = {}

    @contextlib.contextmanager
    def using(self, ended_children=None, **pids):
        """Counts processor time of these processes meanwhile, and their memory at the end.

        `ended_children` is the name of those that this program started and that ended meanwhile.
        """
        usage = processes.Usage(**pids)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        yield
        spent = usage.spent()
        self.wall += spent.pop("wall")
        if ended_children:
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent[ended_children] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        for name, seconds in spent.items():
            self.seconds[name] = self.seconds.get(name, 0) + seconds
            if name in usage.pids:
                self.memory[name] = max(self.memory.get(name, 0), processes.memory(usage.pids[name]))

    def add(self, events, rate):
        self.events += events
        self.rates.append(rate)

    @property
    def rate(self):
        return statistics.median(self.rates)

    def total(self, *names):
        """Seconds of processor time, of these processes or all."""
        return sum(value for name, value in self.seconds.items() if not names or name in names)

    def cost(self, workload):
        """A row of the table of costs."""
        return {
            "workload": workload, "side": self.name, "unit": self.unit, "events": self.events,
            "per_thousand": {name: value / max(1, self.events) * 1_000 for name, value in self.seconds.items()},
            "cores": {name: value / self.wall for name, value in self.seconds.items()} if self.wall else {},
            "memory": self.memory}


def ratios(left, right):
    """Round by round."""
    return [one / other for one, other in zip(left, right)]
