"""Palaver's processes: servers, users and rooms on them, their metrics."""
import concurrent.futures
import http.client
import json
import os
import re
import subprocess
import tempfile
import urllib.parse

from . import paths, processes
from .backends import call


class Server:
    """A palaver process on the stack or, without `stack`, embedded; usable in a `with`."""

    def __init__(self, stack=None, *more):
        self.folder = tempfile.TemporaryDirectory(prefix="palaver-measure-")
        arguments = ["--listen", "127.0.0.1:0", "--auth", "open", *more]
        if "--send-rate" not in more:
            arguments += ["--send-rate", "1000000"]
        if not stack and "--data" not in more:
            arguments += ["--data", os.path.join(self.folder.name, "data")]
        self.log = open(os.path.join(self.folder.name, "log"), "wb")
        self.process = subprocess.Popen(
            processes.bound([paths.PALAVER, "serve", *arguments]), env=dict(os.environ, PALAVER_LOG="warning", **(stack or {})),
            stdout=subprocess.PIPE, stderr=self.log)
        match = re.match(r"listening on (http://\S+)", self.process.stdout.readline().decode())
        if not match:
            self.process.wait(10)
            raise RuntimeError(f"palaver did not start: {self.logged()}")
        self.base = match.group(1)
        self.port = urllib.parse.urlsplit(self.base).port

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        processes.end(self.process)
        self.log.close()
        self.folder.cleanup()

    def logged(self):
        """The end of its log."""
        with open(self.log.name, errors="replace") as file:
            return file.read()[-2_000:]

    def memory(self):
        """Bytes of memory of its own, as the kernel counts them (proportional set size)."""
        return processes.memory(self.pid)

    def user(self, name):
        call(self.base, "POST", "/v1/users", {"name": name})

    def users(self, count):
        """Makes sender and bench0, bench1, …"""
        post_all(self, "/v1/users", [{"name": name} for name in ["sender", *(f"bench{one}" for one in range(count))]])

    def room(self):
        return call(self.base, "POST", "/v1/chatrooms")[1]["id"]

    def rooms(self, count):
        """Makes rooms; returns their ids."""
        return [reply["id"] for reply in post_all(self, "/v1/chatrooms", [{}] * count)]

    def metric(self, name, **labels):
        """A metric's value, summed over the series that have these labels; 0 if there is none yet."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        series = re.findall(rf"^{name}(?:\{{([^}}]*)\}})? (\S+)", text, re.M)
        return sum(float(value) for given, value in series
                   if all(f'{label}="{wanted}"' in given for label, wanted in labels.items()))


def post_all(server, path, bodies, clients=8):
    """Posts each body over a few kept connections; returns the replies in order."""

    def share(number):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        replies = []
        for body in bodies[number::clients]:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            reply = connection.getresponse()
            replies.append((reply.status, json.loads(reply.read())))
        connection.close()
        return replies

    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        shares = list(pool.map(share, range(clients)))
    replies = [shares[number % clients][number // clients] for number in range(len(bodies))]
    wrong = [reply for status, reply in replies if status not in (200, 409)]
    if wrong:
        raise RuntimeError(f"POST {path}: {wrong[0]}")
    return [reply for _, reply in replies]


class Histogram:
    """The mean of one of a server's histograms since the last look."""

    def __init__(self, server, name):
        self.server, self.name, self.seen = server, name, (0, 0)

    def mean(self):
        now = (self.server.metric(f"{self.name}_sum"), self.server.metric(f"{self.name}_count"))
        before, self.seen = self.seen, now
        return (now[0] - before[0]) / max(1, now[1] - before[1])
