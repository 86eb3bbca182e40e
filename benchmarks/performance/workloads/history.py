"""Pages of history that were read before, beside nginx with files of the same size."""
import http.client
import os
import shutil
import statistics
import subprocess
import tempfile
import time

from .. import programs
from ..context import Unavailable
from ..ejabberd import free_port
from ..figures import Side, ratios
from ..processes import bound, end

MESSAGES, LIMIT, PAGES, CLIENTS, SECONDS = 1_100, 50, 10, 16, 3

CONFIGURATION = """
daemon off; pid {folder}/pid; error_log {folder}/error.log error; worker_processes auto; {user}
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; keepalive_timeout 300s;
  open_file_cache max=100 inactive=60s; default_type application/json;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port} backlog=1024; root {folder}; }}
}}
"""


class Nginx:
    """nginx with some files, in a `with`."""

    def __init__(self, files):
        self.program = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
        if not self.program:
            raise Unavailable("nginx is not installed: scripts/install-packages stack")
        self.files, self.port = files, free_port()

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="palaver-nginx-")
        for number, content in enumerate(self.files):
            with open(os.path.join(self.folder.name, f"page{number}"), "wb") as file:
                file.write(content)
        configuration = os.path.join(self.folder.name, "nginx.conf")
        with open(configuration, "w") as file:
            file.write(CONFIGURATION.format(folder=self.folder.name, port=self.port,
                                            user="user root;" if os.geteuid() == 0 else ""))
        self.process = subprocess.Popen(bound([self.program, "-e", "stderr", "-c", configuration]), stderr=subprocess.DEVNULL)
        wait_until_served(self.port, "/page0")
        return self

    def __exit__(self, *_):
        end(self.process)
        self.folder.cleanup()


def wait_until_served(port, path):
    for _ in range(100):
        try:
            return page(port, path)
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("nginx did not start")


def page(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path)
    reply = connection.getresponse()
    body = reply.read()
    connection.close()
    if reply.status != 200:
        raise RuntimeError(f"{path}: {reply.status} {body[:200]}")
    return body


def filled_room(context, server):
    """A room of so many messages, all of them in the index; the paths of pages of it."""
    room = server.room()
    programs.run("senders", server.port, f"/v1/chatrooms/{room}/join?user=bench%d", 1, MESSAGES, 50, 100)
    deadline = time.monotonic() + 60
    while server.metric("palaver_journal_waiting") > 0 and time.monotonic() < deadline:
        time.sleep(0.2)
    before = [MESSAGES - LIMIT * 2 * number for number in range(PAGES)]
    return [f"/v1/chatrooms/{room}/messages?limit={LIMIT}&before={number}" for number in before]


def history(context):
    ours, theirs = Side("Palaver", "pages"), Side("nginx", "pages")
    taken = {ours: [], theirs: []}

    def fetch(side, port, targets, using):
        with using:
            reply = programs.run("fetchers", port, CLIENTS, SECONDS, *targets)
        side.add(reply["replies"], reply["per_second"])
        taken[side].append(reply)

    with context.server(users=1) as server:
        targets = filled_room(context, server)
        contents = [page(server.port, target) for target in targets]
        with Nginx(contents) as nginx:
            for _ in context.rounds():
                fetch(ours, server.port, targets, context.using(ours, server, indexing=True))
                fetch(theirs, nginx.port, [f"/page{number}" for number in range(PAGES)], theirs.using(nginx=nginx.process.pid))
    size = statistics.mean(map(len, contents)) / 1_000
    context.row("history", f"history page of {LIMIT} messages, warm", "nginx, a file of its size", 0.5, ratios(ours.rates, theirs.rates),
                f"{ours.rate:,.0f} pages/s of {size:.1f} kB, p50 {statistics.median(one['p50_ms'] for one in taken[ours]):.2f} ms; "
                f"nginx {theirs.rate:,.0f}/s, {statistics.median(one['p50_ms'] for one in taken[theirs]):.2f} ms; "
                f"{CLIENTS} connections")
    context.cost(ours, theirs)
