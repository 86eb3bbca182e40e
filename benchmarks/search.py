#!/usr/bin/env python3
"""Measures search: Palaver against the same query sent to Elasticsearch directly, alternating in one run; the embedded
profile beside them; and a jump into a large room against one into a small room.

Needs the back ends of the test stack, real conversations, and a release build:
  scripts/with-stack benchmarks/search.py --messages 2000000 --jump --write
"""
import argparse, collections, json, os, random, re, socket, statistics, subprocess, sys, tempfile, threading, time
import http.client, http.server, urllib.parse

import measure

CORPORA = {"english_irc": 3, "english_forum": 3, "japanese": 1, "chinese": 1}


class Client:
    """Requests over one kept connection; what comes back is counted, not read."""

    def __init__(self, base):
        url = urllib.parse.urlsplit(base)
        self.host = f"{url.hostname}:{url.port}"
        self.socket = socket.create_connection((url.hostname, url.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def render(self, method, path, body=b""):
        head = f"{method} {path} HTTP/1.1\r\nHost: {self.host}\r\nContent-Type: application/json\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    def seconds(self, request):
        start = time.perf_counter()
        self.socket.sendall(request)
        data = b""
        while b"\r\n\r\n" not in data:
            data += self.more()
        head, rest = data.split(b"\r\n\r\n", 1)
        if b" 200 " not in head[:16]:
            sys.exit(f"not answered: {data[:300]}")
        length = re.search(rb"content-length: *(\d+)", head, re.I)
        if length:
            left = int(length.group(1)) - len(rest)
            while left > 0:
                left -= len(self.more())
        else:  # chunked
            while not rest.endswith(b"0\r\n\r\n"):
                rest += self.more()
        return time.perf_counter() - start

    def more(self):
        data = self.socket.recv(1 << 17)
        if not data:
            sys.exit("the connection ended")
        return data


class Recorder(http.server.BaseHTTPRequestHandler):
    """Passes requests on to Elasticsearch and keeps the searches."""
    protocol_version = "HTTP/1.1"
    upstream, seen = None, []

    def do(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "/_search" in self.path:
            Recorder.seen.append((self.path, body))
        connection = http.client.HTTPConnection(Recorder.upstream.hostname, Recorder.upstream.port, timeout=60)
        connection.request(self.command, self.path, body or None,
                           {"Content-Type": self.headers.get("Content-Type", "application/json")})
        reply = connection.getresponse()
        data = reply.read()
        self.send_response(reply.status)
        for name in ("Content-Type", "X-Elastic-Product"):
            if reply.getheader(name):
                self.send_header(name, reply.getheader(name))
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        connection.close()

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do

    def log_message(self, *_):
        pass


def corpus(folder, count, path):
    """Writes a mixture of real conversations; returns its lines' texts."""
    texts = []
    with open(path, "w") as out:
        for name, share in CORPORA.items():
            lines = count * share // sum(CORPORA.values())
            command = f"zstd -dc '{os.path.join(folder, name)}.ndjson.zst' | head -n {lines}"
            with subprocess.Popen(command, shell=True, stdout=subprocess.PIPE, text=True) as process:
                for line in process.stdout:
                    out.write(line)
                    if len(texts) < 400_000 or random.random() < 0.1:
                        texts.append((name, json.loads(line)["text"]))
    return texts


def queries(texts, rooms, number):
    """Queries of each class: what follows `/v1/search?`."""
    english = [text for name, text in texts if name.startswith("english")]
    cut = [re.findall(r"[A-Za-z]{3,}", text.lower()) for text in english]
    frequency = collections.Counter(word for words in cut for word in set(words))
    middling = [word for word, count in frequency.items() if 100 <= count <= 2_000]
    rare = [word for word, count in frequency.items() if 2 <= count <= 5]
    common = [word for word, _ in frequency.most_common(20)]
    pairs = [words for words in cut if len(words) > 3]
    asian = [run for name, text in texts if not name.startswith("english")
             for run in re.findall(r"[\u3041-\u30fa\u4e00-\u9fff]{3,}", text)]

    def phrase():
        words = random.choice(pairs)
        start = random.randrange(len(words) - 1)
        return f'"{words[start]} {words[start + 1]}"'

    def piece():
        text = random.choice(asian)
        start = random.randrange(len(text) - 1)
        return text[start:start + 2]

    def q(text, *more):
        return urllib.parse.urlencode([("q", text), *more])

    hundred = [("room", room) for room in random.sample(rooms, min(100, len(rooms)))]
    made = {
        "word": lambda: q(random.choice(middling)),
        "rare word": lambda: q(random.choice(rare)),
        "very common word": lambda: q(random.choice(common)),
        "phrase": lambda: q(phrase()),
        "two characters of Chinese or Japanese": lambda: q(piece()),
        "prefix of three letters": lambda: q(random.choice(middling)[:3] + "*"),
        "word, by relevance": lambda: q(random.choice(middling), ("sort", "relevance")),
        "word in 100 rooms": lambda: q(random.choice(middling), *hundred),
        "word in one room": lambda: q(random.choice(middling), ("room", random.choice(rooms))),
    }
    return {name: [make() for _ in range(number)] for name, make in made.items()}


def record(stack, made):
    """The requests that Palaver sends to Elasticsearch for each query."""
    Recorder.upstream = urllib.parse.urlsplit(stack["PALAVER_ELASTICSEARCH_URL"])
    proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    server = measure.Server({**stack, "PALAVER_ELASTICSEARCH_URL": f"http://127.0.0.1:{proxy.server_port}"},
                            "--role", "edge")
    recorded = {}
    try:
        client = Client(server.base)
        for name, list_of in made.items():
            recorded[name] = []
            for query in list_of:
                Recorder.seen.clear()
                client.seconds(client.render("GET", f"/v1/search?{query}"))
                if Recorder.seen:
                    recorded[name].append(Recorder.seen[0])
    finally:
        server.stop()
        proxy.shutdown()
    return recorded


def timed(base, requests, clients):
    """Milliseconds of each request, from so many clients at once."""
    results = [[] for _ in range(clients)]

    def work(index):
        client = Client(base)
        for method, path, body in requests[index::clients]:
            results[index].append(client.seconds(client.render(method, path, body)) * 1_000)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [value for part in results for value in part]


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


def compare(sides, rounds, clients):
    """Alternates the sides; returns for each its milliseconds, round by round."""
    taken = {name: [] for name in sides}
    for turn in range(rounds + 1):
        for name in (list(sides) if turn % 2 else list(reversed(sides))):
            values = timed(*sides[name], clients)
            if turn:  # the first round warms up
                taken[name].append(values)
    return taken


def row(name, clients, taken):
    flat = {side: [value for part in parts for value in part] for side, parts in taken.items()}
    figures = {side: (percentile(values, 0.5), percentile(values, 0.99)) for side, values in flat.items()}
    (p50, p99), (direct50, direct99) = figures["palaver"], figures["direct"]
    ratios = [percentile(left, 0.5) / percentile(right, 0.5)
              for left, right in zip(taken["palaver"], taken["direct"])]
    embedded = figures.get("embedded")
    cells = [name, str(clients), f"{p50:.2f} / {p99:.1f}", f"{direct50:.2f} / {direct99:.1f}",
             measure.spread(ratios), f"{p50 - direct50:+.2f}", f"{p99 / direct99:.2f}",
             f"{embedded[0]:.2f} / {embedded[1]:.1f}" if embedded else ""]
    print(" | ".join(cells), flush=True)
    return "| " + " | ".join(cells) + " |"


def found_at_once(servers, room, count):
    """Sends through one server and searches through the other at once; milliseconds until it is found."""
    waits = []
    for number in range(count):
        word = f"at{random.getrandbits(60):x}once"
        measure.call(servers[0].base, "POST", f"/v1/chatrooms/{room}/messages?user=sender", {"text": word})
        start = time.perf_counter()
        while not measure.call(servers[1].base, "GET", f"/v1/search?q={word}")[1]["hits"]:
            pass
        waits.append((time.perf_counter() - start) * 1_000)
    return waits


def run_import(environment, path, prefix=""):
    result = subprocess.run([measure.PALAVER, "import", "--quiet", "--json", "--room-prefix", prefix, path],
                            capture_output=True, text=True, env=dict(os.environ, PALAVER_LOG="warning", **environment))
    if result.returncode:
        sys.exit(result.stderr)
    return json.loads(result.stdout)


def jump(server, environment, folder, size):
    """`around` in a room of so many messages against one of 1,000: p50 and p99 in milliseconds, and the ratios."""
    path = os.path.join(folder, "rooms.ndjson")
    with open(path, "w") as out:
        for name, count in (("large", size), ("small", 1_000)):
            for number in range(count):
                line = {"room": f"jump-{name}", "user": f"u{number % 97}", "timestamp": 1_600_000_000_000 + number * 100,
                        "text": f"message {number} of the {name} room"}
                out.write(json.dumps(line) + "\n")
    run_import(environment, path)
    rooms = {room["name"]: room for room in measure.call(server.base, "GET", "/v1/chatrooms?q=jump-&limit=10")[1]["chatrooms"]}
    sides = {}
    for name in ("large", "small"):
        room = rooms[f"jump-{name}"]
        sides[name] = (server.base, [
            ("GET", f"/v1/chatrooms/{room['id']}/messages?around={random.randint(1, room['last_seq'])}", b"")
            for _ in range(300)])
    return compare(sides, 3, 1)


def rooms_of(server):
    return measure.call(server.base, "GET", "/v1/chatrooms")[1]["ids"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=2_000_000)
    parser.add_argument("--queries", type=int, default=160, help="of each class and round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", default="1,16")
    parser.add_argument("--corpora", default=os.path.join(measure.ROOT, "..", "shared", "corpora"))
    parser.add_argument("--jump", type=int, nargs="?", const=1_000_000, help="also jump into a room of so many messages")
    parser.add_argument("--write", action="store_true", help="write the section of docs/performance.md")
    options = parser.parse_args()
    random.seed(7)
    with measure.temporary_stack(f"search{os.getpid()}") as stack, \
            tempfile.TemporaryDirectory(prefix="palaver-search-") as folder:
        embedded = {"PALAVER_DATA": os.path.join(folder, "data")}
        path = os.path.join(folder, "corpus.ndjson")
        texts = corpus(options.corpora, options.messages, path)
        imported = run_import(stack, path)
        print(f"stack: {imported}", flush=True)
        print(f"embedded: {run_import(embedded, path)}", flush=True)
        servers = []
        try:
            servers += [measure.Server(stack), measure.Server(stack), measure.Server(embedded)]
            rows, notes = measured(servers, stack, embedded, texts, imported["imported"], options, folder)
        finally:
            for server in servers:
                server.stop()
    if options.write:
        write(rows, notes, imported["imported"], options)


def measured(servers, stack, embedded, texts, count, options, folder):
    elasticsearch = stack["PALAVER_ELASTICSEARCH_URL"]
    index = next(iter(measure.call(elasticsearch, "GET", f"/{stack['PALAVER_INDEX_PREFIX']}-messages*")[1]))
    measure.call(elasticsearch, "POST", f"/{index}/_refresh")
    size = measure.call(elasticsearch, "GET", f"/{index}/_stats/store")[1]["_all"]["primaries"]["store"]["size_in_bytes"]
    files = sum(os.path.getsize(os.path.join(embedded["PALAVER_DATA"], file))
                for file in os.listdir(embedded["PALAVER_DATA"]))
    notes = [f"Bytes a message: {size / count:.0f} in Elasticsearch, {files / count:.0f} in the embedded profile, "
             "which holds everything in them."]
    made = queries(texts, rooms_of(servers[0]), options.queries)
    # Rooms have other numbers there.
    beside = queries(texts, rooms_of(servers[2]), options.queries)
    recorded = record(stack, made)
    rows = []
    for clients in map(int, options.clients.split(",")):
        for name, list_of in made.items():
            sides = {"palaver": (servers[0].base, [("GET", f"/v1/search?{query}", b"") for query in list_of]),
                     "direct": (elasticsearch, [("POST", path, body) for path, body in recorded[name]]),
                     "embedded": (servers[2].base, [("GET", f"/v1/search?{query}", b"") for query in beside[name]])}
            rows.append(row(name, clients, compare(sides, options.rounds, clients)))
    one = recorded["word in one room"]
    sides = {"routed": (elasticsearch, [("POST", path, body) for path, body in one]),
             "unrouted": (elasticsearch, [("POST", re.sub(r"&routing=[^&]*", "", path), body) for path, body in one])}
    taken = compare(sides, options.rounds, 1)
    ratios = [percentile(left, 0.5) / percentile(right, 0.5)
              for left, right in zip(taken["routed"], taken["unrouted"])]
    notes.append(f"One room, routed against unrouted, in Elasticsearch alone: {measure.spread(ratios)} (one shard).")
    servers[0].user("sender")
    waits = found_at_once(servers, servers[0].room(), 200)
    notes.append(f"Acknowledged by one server until found by another: p50 {percentile(waits, 0.5):.1f} ms, "
                 f"p99 {percentile(waits, 0.99):.1f} ms; {sum(wait > 1_000 for wait in waits)} of {len(waits)} over 1 s.")
    if options.jump:
        taken = jump(servers[0], stack, folder, options.jump)
        ratios = [percentile(left, 0.5) / percentile(right, 0.5) for left, right in zip(taken["large"], taken["small"])]
        large = [value for part in taken["large"] for value in part]
        notes.append(f"A jump into a room of {options.jump:,} messages against one into a room of 1,000: "
                     f"{measure.spread(ratios)}; p50 {percentile(large, 0.5):.2f} ms, p99 {percentile(large, 0.99):.1f} ms.")
    for note in notes:
        print(note, flush=True)
    return rows, notes


def write(rows, notes, count, options):
    """Replaces the section of docs/performance.md."""
    lines = ["## Search", "",
             f"Made by `benchmarks/search.py` over {count:,} messages of real conversations (English, Japanese, Chinese; "
             f"{options.rounds} rounds of {options.queries} queries a class, alternating). \"Direct\" is the request that "
             "Palaver sends to Elasticsearch for the query, sent by the same client. Times are p50 / p99 in "
             "milliseconds, the ratio is that of the p50s, minimum / **median** / maximum. Aim: p50 ≤ 1.1 × + 0.5 ms, "
             "p99 ≤ 1.3 ×.", "",
             "| query | clients | Palaver | direct | ratio | more, ms | ratio of p99 | embedded |",
             "|---|---|---|---|---|---|---|---|", *rows, "", *[f"- {note}" for note in notes], ""]
    path = os.path.join(measure.ROOT, "docs", "performance.md")
    text = re.sub(r"\n## Search\n.*?(?=\n## |\Z)", "", open(path).read(), flags=re.S).rstrip("\n")
    with open(path, "w") as file:
        file.write(text + "\n\n" + "\n".join(lines))


if __name__ == "__main__":
    main()
