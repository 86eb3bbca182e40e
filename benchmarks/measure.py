#!/usr/bin/env python3
"""Measures Palaver against what the machine allows, alternating in one run, and writes docs/performance.md.

Needs the back ends of the test stack:
  scripts/with-stack benchmarks/measure.py            (starts and stops them)
or PALAVER_TEST_MYSQL, PALAVER_TEST_REDIS and PALAVER_TEST_ELASTICSEARCH set to running ones, and a release build
(swift build -c release --product palaver; make -C benchmarks).
"""
import argparse, concurrent.futures, contextlib, http.client, json, os, re, signal, statistics, subprocess, sys, tempfile, time
import urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BIN = os.path.join(ROOT, ".build", "benchmarks")
PALAVER = os.path.join(ROOT, ".build", "release", "palaver")


def cpu(pid):
    """Seconds of processor time that a process has used."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def call(base, method, path, body=None, timeout=60):
    """One HTTP request; returns (status, decoded JSON)."""
    url = urllib.parse.urlsplit(base)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=timeout)
    data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
    connection.request(method, path, data, {"Content-Type": "application/json"})
    reply = connection.getresponse()
    text = reply.read()
    connection.close()
    return reply.status, json.loads(text) if text else None


class Server:
    """A palaver process on the stack or, without `stack`, embedded."""

    def __init__(self, stack=None, *more):
        self.folder = tempfile.TemporaryDirectory(prefix="palaver-measure-")
        self.arguments = ["--auth", "open", "--send-rate", "1000000", *more]
        if not stack and "--data" not in more:
            self.arguments += ["--data", os.path.join(self.folder.name, "data")]
        self.environment = dict(os.environ, PALAVER_LOG="warning", **(stack or {}))
        self.log = open(os.path.join(self.folder.name, "log"), "wb")
        self.process = subprocess.Popen([PALAVER, "serve", "--listen", "127.0.0.1:0", *self.arguments],
                                        env=self.environment, stdout=subprocess.PIPE, stderr=self.log)
        line = self.process.stdout.readline().decode()
        match = re.match(r"listening on (http://\S+)", line)
        if not match:
            self.log.flush()
            sys.exit("palaver did not start: " + open(self.log.name).read())
        self.base = match.group(1)
        self.port = urllib.parse.urlsplit(self.base).port

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self.folder.cleanup()

    def memory(self):
        """Bytes of memory of its own, as the kernel counts them (proportional set size)."""
        with open(f"/proc/{self.process.pid}/smaps_rollup") as file:
            return int(re.search(r"^Pss:\s+(\d+)", file.read(), re.M).group(1)) * 1024

    def user(self, name):
        call(self.base, "POST", "/v1/users", {"name": name})

    def room(self):
        return call(self.base, "POST", "/v1/chatrooms")[1]["id"]


@contextlib.contextmanager
def temporary_stack(name):
    """The settings of an installation of its own on the test's back ends, with an empty database; gone afterwards."""
    mysql = urllib.parse.urlsplit(os.environ["PALAVER_TEST_MYSQL"])
    elasticsearch = os.environ["PALAVER_TEST_ELASTICSEARCH"].rstrip("/")
    client = ["mariadb", "--no-defaults", f"-h{mysql.hostname}", f"-P{mysql.port}", f"-u{mysql.username}",
              f"-p{mysql.password or ''}"]
    subprocess.run([*client, "-e", f"CREATE DATABASE {name}"], check=True)
    try:
        yield {"PALAVER_DATABASE_URL": f"mysql://{mysql.netloc}/{name}",
               "PALAVER_REDIS_URL": os.environ["PALAVER_TEST_REDIS"], "PALAVER_ELASTICSEARCH_URL": elasticsearch,
               "PALAVER_REDIS_PREFIX": name, "PALAVER_INDEX_PREFIX": name}
    finally:
        subprocess.run([*client, "-e", f"DROP DATABASE {name}"], check=True)
        for index in call(elasticsearch, "GET", f"/{name}-*?expand_wildcards=all")[1]:
            call(elasticsearch, "DELETE", f"/{index}")
        call(elasticsearch, "DELETE", f"/_index_template/{name}*")


def run(*command, **options):
    result = subprocess.run([os.path.join(BIN, command[0]), *map(str, command[1:])], capture_output=True, text=True,
                            timeout=120, **options)
    if result.returncode:
        sys.exit(f"{' '.join(map(str, command))}: {result.stderr}")
    return json.loads(result.stdout.strip().splitlines()[-1])


class Readers:
    def __init__(self, port, path, number, count):
        self.process = subprocess.Popen([os.path.join(BIN, "readers"), str(port), path, str(number), str(count)],
                                        stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline().strip() != "ready":
            sys.exit("the readers could not connect")

    def result(self):
        line = self.process.stdout.readline()
        self.process.wait(60)
        if not line:
            sys.exit("the readers did not get everything")
        return json.loads(line)


def sends(server, mysql, rounds, total, senders, window, size):
    """Durable sends acknowledged by one server, and the journal's transaction by hand in batches of the same size."""
    room = server.room()
    pairs = []
    for _ in range(rounds):
        palaver = run("senders", server.port, f"/v1/chatrooms/{room}/join?user=bench%d", senders, total, window, size)
        batch = max(1, round(metric(server, "palaver_journal_batch_size")))
        hand = run("journal_by_hand", mysql.hostname, mysql.port, mysql.username, mysql.password or "",
                   mysql.path.strip("/"), 1, total // batch * batch, batch, size)
        pairs.append((palaver, hand, batch))
    return pairs


def metric(server, name):
    """The mean of a histogram since the last look."""
    url = urllib.parse.urlsplit(server.base)
    connection = http.client.HTTPConnection(url.hostname, url.port)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    now = tuple(float(re.search(rf"^{name}_{part} (\S+)", text, re.M).group(1)) for part in ("sum", "count"))
    before = metric.seen.get(name, (0, 0))
    metric.seen[name] = now
    return (now[0] - before[0]) / max(1, now[1] - before[1])


metric.seen = {}


def broadcast(server, rounds, readers, count, window, size):
    """One sender, many readers; the raw program broadcasts frames of the same size to as many sockets."""
    pairs = []
    for turn in range(rounds):
        room = server.room()
        waiting = Readers(server.port, f"/v1/chatrooms/{room}/join?user=bench%d", readers, count)
        before = cpu(server.process.pid)
        run("senders", server.port, f"/v1/chatrooms/{room}/join?user=sender", 1, count, window, size)
        palaver = waiting.result()
        palaver["cpu"] = cpu(server.process.pid) - before
        port = 18200 + turn
        raw = subprocess.Popen([os.path.join(BIN, "broadcast_raw"), str(port), str(readers)], stdout=subprocess.PIPE)
        raw.stdout.readline()
        waiting = Readers(port, "/", readers, count)
        payload = palaver["bytes"] // palaver["frames"] - 4
        before = cpu(raw.pid)
        publisher = subprocess.Popen([os.path.join(BIN, "publisher"), *map(str, (port, count, payload, window))])
        limit = waiting.result()
        limit["cpu"] = cpu(raw.pid) - before
        pairs.append((palaver, limit))
        publisher.wait(30)
        raw.wait(30)
    return pairs


def idle(server, connections):
    """Bytes of memory for each idle WebSocket, and what the readers' side is not counted in."""
    room = server.room()
    warm = subprocess.Popen([os.path.join(BIN, "readers"), str(server.port), f"/v1/chatrooms/{room}/join?user=sender",
                             "200", "1", "hold"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    warm.stdout.readline()
    time.sleep(1)
    before = server.memory()
    more = subprocess.Popen([os.path.join(BIN, "readers"), str(server.port), f"/v1/chatrooms/{room}/join?user=sender",
                             str(connections), "1", "hold"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    more.stdout.readline()
    time.sleep(2)
    after = server.memory()
    for process in (more, warm):
        process.stdin.close()
        process.wait(30)
    return (after - before) / connections


def documents(elasticsearch, index, limit):
    """Pre-rendered `_bulk` bodies of the documents of an index, 1,000 each, with ids, routing and versions."""
    bodies, after = [], None
    while len(bodies) * 1000 < limit:
        query = {"size": 1000, "sort": [{"room": "asc"}, {"seq": "asc"}], "version": True}
        if after:
            query["search_after"] = after
        hits = call(elasticsearch, "POST", f"/{index}/_search", query)[1]["hits"]["hits"]
        if not hits:
            break
        after = hits[-1]["sort"]
        lines = []
        for hit in hits:
            lines.append(json.dumps({"index": {"_id": hit["_id"], "routing": hit["_routing"],
                                               "version": hit["_version"], "version_type": "external"}}))
            lines.append(json.dumps(hit["_source"], ensure_ascii=False))
        bodies.append(("\n".join(lines) + "\n").encode())
    return bodies


def raw_bulk(elasticsearch, index, bodies):
    """Sends the bodies over two kept connections; returns seconds, the final refresh included."""
    url = urllib.parse.urlsplit(elasticsearch)

    def send(share):
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
        for body in share:
            connection.request("POST", f"/{index}/_bulk?filter_path=errors", body,
                               {"Content-Type": "application/json"})
            if json.loads(connection.getresponse().read())["errors"]:
                sys.exit("the raw _bulk loop was refused documents")

    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(send, (bodies[0::2], bodies[1::2])))
    call(elasticsearch, "POST", f"/{index}/_refresh")
    return time.monotonic() - start


def imports(stack, rounds, corpus, lines):
    """`palaver import` against a raw `_bulk` loop of the documents that it made, into indices of the same mapping."""
    elasticsearch = stack["PALAVER_ELASTICSEARCH_URL"]
    with tempfile.TemporaryDirectory(prefix="palaver-measure-") as folder:
        file = os.path.join(folder, "corpus.ndjson")
        subprocess.run(f"zstd -dc '{corpus}' | head -n {lines} > '{file}'", shell=True, check=True)
        pairs = []
        for turn in range(rounds):
            renamed = os.path.join(folder, f"round{turn}.ndjson")
            os.rename(file, renamed)
            file = renamed
            start = time.monotonic()
            result = subprocess.run([PALAVER, "import", "--room-prefix", f"round{turn}-", file], capture_output=True,
                                    text=True, env=dict(os.environ, PALAVER_LOG="warning", **stack))
            seconds = time.monotonic() - start
            if result.returncode:
                sys.exit(result.stderr)
            prefix = stack["PALAVER_INDEX_PREFIX"]
            alias = next(iter(call(elasticsearch, "GET", f"/{prefix}-messages*")[1]))
            if turn == 0:
                bodies = documents(elasticsearch, alias, lines)
            settings = call(elasticsearch, "GET", f"/{alias}")[1][alias]
            kept = {key: value for key, value in settings["settings"]["index"].items()
                    if key in ("analysis", "sort", "refresh_interval", "number_of_shards", "number_of_replicas",
                               "translog", "auto_expand_replicas")}
            raw = f"raw-{prefix}-{turn}"
            call(elasticsearch, "PUT", f"/{raw}", {"settings": {"index": kept}, "mappings": settings["mappings"]})
            raw_seconds = raw_bulk(elasticsearch, raw, bodies)
            call(elasticsearch, "DELETE", f"/{raw}")
            pairs.append((lines / seconds, len(bodies) * 1000 / raw_seconds))
        return pairs


def spread(values, digits=2):
    return f"{min(values):.{digits}f} / **{statistics.median(values):.{digits}f}** / {max(values):.{digits}f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--corpus", default=os.path.join(ROOT, "..", "shared", "corpora", "english_irc.ndjson.zst"))
    parser.add_argument("--lines", type=int, default=100_000, help="messages of the corpus that are imported")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    options = parser.parse_args()
    name = f"measure{os.getpid()}"
    with temporary_stack(name) as stack:
        rows = measured(stack, options)
    if options.write:
        write(rows, options)


def measured(stack, options):
    """The table's rows: what, against what, the ratio, the aim, this run's figures."""
    database = stack["PALAVER_DATABASE_URL"]
    rows = []

    def report(what, against, pairs, aim, figure):
        ratios = [left / right for left, right in pairs]
        rows.append((what, against, spread(ratios), aim, figure))
        print(f"{what}: {spread(ratios)} of {against}; {figure}", flush=True)

    # First without an indexer, as the programs by hand have none beside them.
    server = Server(stack, "--role", "edge")
    try:
        for number in range(1000):
            server.user(f"bench{number}")
        server.user("sender")
        result = sends(server, urllib.parse.urlsplit(database), options.rounds, 40_000, 20, 20, 100)
        report("durable sends acknowledged", "the journal's transaction by hand",
               [(left["per_second"], right["per_second"]) for left, right, _ in result], "≥ 0.5",
               f"{statistics.median(left['per_second'] for left, _, _ in result):,.0f}/s in batches of "
               f"{statistics.median(batch for _, _, batch in result):.0f}, "
               f"ack p50 {statistics.median(left['p50_ms'] for left, _, _ in result):.1f} ms, "
               f"p99 {statistics.median(left['p99_ms'] for left, _, _ in result):.1f} ms")
        result = broadcast(server, options.rounds, 500, 4_000, 200, 100)
        report("broadcast to 500 readers of a room", "epoll and writev of the same bytes",
               [(left["frames_per_second"], right["frames_per_second"]) for left, right in result], "≥ 0.5",
               f"{statistics.median(left['frames_per_second'] for left, _ in result):,.0f} deliveries/s")
        report("the same, in processor time of the server", "the raw program's",
               [(right["cpu"], left["cpu"]) for left, right in result], "≥ 0.5",
               f"{statistics.median(left['cpu'] / left['frames'] * 1e6 for left, _ in result):.2f} s a million "
               f"deliveries, journal included; raw "
               f"{statistics.median(right['cpu'] / right['frames'] * 1e6 for _, right in result):.2f} s")
        memory = idle(server, 5_000)
        rows.append(("idle WebSocket", "", f"**{memory:,.0f} bytes**", "≤ 8 kB", "5,000 joined to one room"))
        print(rows[-1], flush=True)
    finally:
        server.stop()
    server = Server(stack)
    try:
        metric.seen.clear()
        result = sends(server, urllib.parse.urlsplit(database), options.rounds, 40_000, 20, 20, 100)
        report("durable sends acknowledged, and indexed meanwhile", "the journal's transaction by hand",
               [(left["per_second"], right["per_second"]) for left, right, _ in result], "",
               f"{statistics.median(left['per_second'] for left, _, _ in result):,.0f}/s, "
               f"ack p50 {statistics.median(left['p50_ms'] for left, _, _ in result):.1f} ms, "
               f"p99 {statistics.median(left['p99_ms'] for left, _, _ in result):.1f} ms")
    finally:
        server.stop()
    if os.path.exists(options.corpus):
        result = imports(stack, min(3, options.rounds), options.corpus, options.lines)
        report("import into Elasticsearch", "a raw `_bulk` loop of the same documents", result, "≥ 0.8",
               f"{statistics.median(left for left, _ in result):,.0f} messages/s")
    return rows


def write(rows, options):
    lines = ["# Performance", "",
             "Made by `make performance`: each workload beside its limit, alternating in one run "
             f"({options.rounds} rounds), everything on one machine of {os.cpu_count()} cores. Figures of a shared "
             "machine are noisy; the ratios are what to compare. Ratios are minimum / **median** / maximum.", "",
             "| work | against | ratio | aim | figures of this run |", "|---|---|---|---|---|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    path = os.path.join(ROOT, "docs", "performance.md")
    tail = open(path).read().split("\n## ", 1)[1:] if os.path.exists(path) else []
    with open(path, "w") as file:
        file.write("\n".join(lines) + "\n" + ("\n## " + tail[0] if tail else ""))


if __name__ == "__main__":
    main()
