"""What a workload is given: options, back ends, progress, the deadline, and where its figures go."""
import contextlib
import os
import time

from . import backends, figures, results
from .servers import Server


class Unavailable(Exception):
    """Something that a workload needs is not on this machine."""


class Context:
    """`seconds` are how long the workload may take."""

    def __init__(self, workload, options, pids, seconds):
        self.workload, self.options, self.backends, self.seconds = workload, options, pids, seconds
        self.rows, self.costs, self.notes = [], [], {}
        self.begun = time.monotonic()
        self.made = 0

    def say(self, text):
        print(f"  {time.monotonic() - self.begun:5.1f} s  {text}", flush=True)

    def left(self):
        """Seconds until this workload's time is over."""
        return self.begun + self.seconds - time.monotonic()

    def rounds(self, most=None):
        """Numbers of rounds; fewer if the time is over before."""
        longest = 0.0
        for number in range(min(self.options.rounds, most or self.options.rounds)):
            if number and self.left() < longest:
                self.say(f"no time for more than {number} rounds")
                return
            start = time.monotonic()
            yield number
            longest = max(longest, time.monotonic() - start)

    # Back ends and servers

    def name(self):
        """A name that nobody else has: of a database, a prefix, an index."""
        self.made += 1
        return f"performance{os.getpid()}n{self.made}{self.workload.replace('-', '')}"

    def stack(self):
        """The settings of an installation of its own; gone after the `with`."""
        return backends.temporary_stack(self.name())

    @contextlib.contextmanager
    def server(self, *flags, users=0):
        """A server on an installation of its own."""
        with self.stack() as stack, Server(stack, *flags) as server:
            server.settings = stack
            if users:
                server.users(users)
            yield server

    @contextlib.contextmanager
    def embedded(self, *flags, users=0):
        """A server by itself, with a folder of its own."""
        with Server(None, *flags) as server:
            server.users(users)
            yield server

    def using(self, side, server=None, indexing=False, **more):
        """Counts what a side uses: a server or several, others by name, the back ends; Elasticsearch only for `indexing`."""
        servers = server if isinstance(server, (list, tuple)) else [server] if server else []
        pids = {"palaver" if number == 0 else f"palaver {number + 1}": one.pid for number, one in enumerate(servers)}
        backends_used = {name: pid for name, pid in self.backends.items() if indexing or name != "elasticsearch"}
        return side.using(**pids, **more, **backends_used)

    # Figures

    def row(self, key, work, against, aim, ratios, text, better="higher"):
        """A row of the first table. `aim` is the bound of the ratio, or none."""
        self.rows.append({"key": key, "workload": self.workload, "work": work, "against": against, "aim": aim,
                          "better": better, "ratios": ratios, "text": text, "when": results.today()})
        self.say(f"{work}: {figures.spread(ratios)} of {against or 'its aim'}; {text}")

    def cost(self, *sides):
        self.costs += [side.cost(self.workload) for side in sides]
