#!/usr/bin/env python3
"""Measures search: Palaver against the same query sent to Elasticsearch directly, alternating in one run; the embedded
profile beside them; the worst queries; and a jump into a large room against one into a small room.

Needs the back ends of the test stack, real conversations, a release build and the C programs (make -C benchmarks):
  scripts/with-stack benchmarks/search.py --messages 2200000 --jump --write
With --keep the installation stays, so that the next run need not import it again:
  benchmarks/search.py --keep FOLDER --only import        makes it
  benchmarks/search.py --keep FOLDER --only record        notes the requests that Palaver sends to Elasticsearch
  benchmarks/search.py --keep FOLDER --clients 1 --write  measures; rows of other numbers of clients stay as they were
"""
import argparse, collections, contextlib, http.client, http.server, json, os, random, re, statistics, subprocess, sys, tempfile
import threading, time, urllib.parse

import measure

measure.PALAVER = os.environ.get("PALAVER_TEST_BINARY", measure.PALAVER)
SEARCHERS = os.environ.get("PALAVER_SEARCHERS", os.path.join(measure.BIN, "searchers"))
CORPORA = {"english_irc": 10, "english_forum": 4, "japanese": 3, "chinese": 3}
LETTERS = "abcdefghijklmnopqrstuvwxyz"
# Searches that cost more than most: a name, `q`, and other parameters. The first is what they are compared with.
WORST = [
    ("a plain word", "function", ()),
    ("60 literals", " ".join(f"`{a}{b}`" for a in "etaoin" for b in "etaoinshrd"), ()),
    ("60 literals, any of them", " OR ".join(f"`{a}{b}`" for a in "etaoin" for b in "etaoinshrd"), ()),
    ("a literal that is nowhere", "`qzxqzx`", ()),
    ("one letter's prefix", "e*", ()),
    ("32 prefixes of one letter", " ".join(f"{letter}*" for letter in LETTERS + "012345"), ()),
    ("32 prefixes of one letter, any of them", " OR ".join(f"{letter}*" for letter in LETTERS + "012345"), ()),
    ("the same, by relevance", " OR ".join(f"{letter}*" for letter in LETTERS + "012345"), (("sort", "relevance"),)),
    ("the same, and as many words", " OR ".join(f"{letter}* OR {word}" for letter, word in zip(
        LETTERS + "012345", "the of to and is a in it you that for on with this be not are as have but if can just so".split() * 2)),
     (("sort", "relevance"),)),
    ("none of 32 prefixes of one letter", " ".join(f"-{letter}*" for letter in LETTERS + "012345"), ()),
    ("any of two prefixes, 12 times", " ".join(f"{a}* OR {b}*" for a, b in zip(LETTERS[:12], LETTERS[12:])),
     (("sort", "relevance"),)),
    ("60 common words, any of them, by relevance", " OR ".join(
        "the of to and is a in it you that for on with this be not are as have but if can just so what do or there from "
        "about would like one no my me was at all how they we don get an has use think know think then some".split()[:60]),
     (("sort", "relevance"),)),
    ("300 words, any of them", " OR ".join(f"{a}{b}" for a in LETTERS for b in "aeiouns")[:990].rsplit(" OR", 1)[0], ()),
    ("200 words, none of them", " ".join(f"-{a}{b}" for a in LETTERS for b in "aeioun")[:990].rsplit(" -", 1)[0], ()),
    ("a phrase of stop words", '"to be or not to be that is the"', ()),
    ("many phrases of stop words", " OR ".join(f'"{a} {b}"' for a in ("the", "of", "to", "and", "is", "a", "in", "it")
                                               for b in ("the", "of", "to", "and", "is", "a", "in", "it")), ()),
    ("the most common word, by relevance", "the", (("sort", "relevance"),)),
    ("every facet of everything", "", (("facets", "room,user,month"),)),
    ("1,000 Chinese characters", "".join(chr(0x4e00 + 7 * number) for number in range(1000)), ()),
    ("1,000 emoji", "".join(chr(0x1f600 + number % 64) for number in range(1000)), ()),
    ("12 kB of combining marks", "e" + "\u0301\u0323" * 499, ()),
]


def render(method, path, body=b""):
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def timed(base, requests, clients=1, repeat=1):
    """Milliseconds of each request, from so many clients at once over kept connections."""
    port = urllib.parse.urlsplit(base).port
    rendered = [render(*request) for request in requests]
    result = subprocess.run([SEARCHERS, str(port), str(clients), str(repeat)], capture_output=True, timeout=280,
                            input=b"".join(b"%d\n%b" % (len(bytes_), bytes_) for bytes_ in rendered))
    if result.returncode:
        sys.exit(result.stderr.decode(errors="replace"))
    return json.loads(result.stdout)


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
        for name, list_of in made.items():
            recorded[name] = []
            for query in list_of:
                Recorder.seen.clear()
                measure.call(server.base, "GET", f"/v1/search?{query}")
                recorded[name] += [("POST", path, body) for path, body in Recorder.seen[:1]]
    finally:
        server.stop()
        proxy.shutdown()
    return recorded


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


def compare(sides, rounds, clients, repeat=1):
    """Alternates the sides; returns for each its milliseconds and the processor time of its process, round by round."""
    taken = {name: [] for name in sides}
    for turn in range(rounds + 1):
        for name in (list(sides) if turn % 2 else list(reversed(sides))):
            base, requests, *process = sides[name]
            before = measure.cpu(process[0]) if process else 0
            values = timed(base, requests, clients, repeat)
            if turn:  # the first round warms up
                taken[name].append((values, (measure.cpu(process[0]) - before) / len(values) if process else None))
    return taken


def ratios(left, right):
    return [percentile(a, 0.5) / percentile(b, 0.5) for (a, _), (b, _) in zip(left, right)]


def flat(rounds):
    return [value for values, _ in rounds for value in values]


def microseconds(rounds):
    """Processor time of one request."""
    return statistics.mean(seconds for _, seconds in rounds) * 1e6


def row(name, clients, taken):
    values = {side: flat(rounds) for side, rounds in taken.items()}
    (p50, p99), (direct50, direct99) = [
        (percentile(values[side], 0.5), percentile(values[side], 0.99)) for side in ("palaver", "direct")]
    cells = [name, str(clients), f"{p50:.2f} / {p99:.1f}", f"{direct50:.2f} / {direct99:.1f}",
             measure.spread(ratios(taken["palaver"], taken["direct"])), f"{p50 - 1.1 * direct50:+.2f}",
             f"{p99 / direct99:.2f}", f"{microseconds(taken['palaver']):.0f}"]
    embedded = values.get("embedded")
    cells.append(f"{percentile(embedded, 0.5):.2f} / {percentile(embedded, 0.99):.1f}" if embedded else "")
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


def jump(server, environment, folder, size, rounds=3, jumps=100):
    """`around` in a room of so many messages against rooms of 1,000 each, at places that nobody has asked for:
    milliseconds, round by round; and at the same places of the small rooms again, which are in memory then."""
    path = os.path.join(folder, "rooms.ndjson")
    small = [f"jump-small-{number:04}" for number in range(rounds * jumps)]
    with open(path, "w") as out:
        for name, count in (("jump-large", size), *((name, 1_000) for name in small)):
            for number in range(count):
                line = {"room": name, "user": f"u{number % 97}", "timestamp": 1_600_000_000_000 + number * 100,
                        "text": f"message {number} of the room {name}"}
                out.write(json.dumps(line) + "\n")
    run_import(environment, path)
    os.unlink(path)
    rooms = {name: measure.call(server.base, "GET", f"/v1/chatrooms?q={name}&limit=1")[1]["chatrooms"][0]
             for name in ("jump-large", *small)}

    def around(name):
        room = rooms[name]
        return "GET", f"/v1/chatrooms/{room['id']}/messages?around={random.randint(1, room['last_seq'])}"

    timed(server.base, [around("jump-large") for _ in range(jumps)])
    taken = collections.defaultdict(list)
    for turn in range(rounds):
        names = small[turn * jumps:(turn + 1) * jumps]
        unseen = [around(name) for name in names]
        # As the large room, they have been asked for before: for their newest message.
        timed(server.base, [("GET", f"/v1/chatrooms/{rooms[name]['id']}/messages?limit=1") for name in names])
        for side, requests in (("large", [around("jump-large") for _ in range(jumps)]), ("small", unseen)):
            taken[side].append((timed(server.base, requests), None))
        for _ in range(3):
            again = timed(server.base, unseen)
        taken["again"].append((again, None))
    return taken


def rooms_of(server):
    return measure.call(server.base, "GET", "/v1/chatrooms")[1]["ids"]


class Installation:
    """What was imported, on the stack and embedded, with the queries that are asked of it."""

    def __init__(self, stack, folder):
        self.stack, self.folder = stack, folder
        self.embedded = {"PALAVER_DATA": os.path.join(folder, "data")}
        self.file = os.path.join(folder, "queries.json")

    @property
    def elasticsearch(self):
        return self.stack["PALAVER_ELASTICSEARCH_URL"]

    def load(self):
        with open(self.file) as file:
            self.state = json.load(file)
        return self

    def save(self, **more):
        self.state = {**getattr(self, "state", {}), **more}
        with open(self.file, "w") as file:
            json.dump(self.state, file)

    def fill(self, options):
        """Imports real conversations and makes queries of their words."""
        path = os.path.join(self.folder, "corpus.ndjson")
        texts = corpus(options.corpora, options.messages, path)
        imported = run_import(self.stack, path)
        print(f"stack: {imported}", flush=True)
        print(f"embedded: {run_import(self.embedded, path)}", flush=True)
        os.unlink(path)
        queries_of = {}
        for name, environment in (("stack", self.stack), ("embedded", self.embedded)):
            # Rooms have other numbers there.
            server = measure.Server(environment, *([] if name == "stack" else ["--data", environment["PALAVER_DATA"]]))
            try:
                random.seed(7)
                queries_of[name] = queries(texts, rooms_of(server), options.queries)
            finally:
                server.stop()
        self.save(count=imported["imported"], queries=queries_of)

    def record(self):
        """Notes the requests that Palaver sends to Elasticsearch."""
        recorded = record(self.stack, {**self.state["queries"]["stack"], **{
            f"worst: {name}": [urllib.parse.urlencode([("q", text), *more])] for name, text, more in WORST}})
        self.save(recorded={name: [(method, path, body.decode()) for method, path, body in requests]
                            for name, requests in recorded.items()})

    def recorded(self, name):
        return [(method, path, body.encode()) for method, path, body in self.state["recorded"][name]]


@contextlib.contextmanager
def kept_stack(name):
    """As `measure.temporary_stack`, but it stays."""
    mysql = urllib.parse.urlsplit(os.environ["PALAVER_TEST_MYSQL"])
    subprocess.run(["mariadb", "--no-defaults", f"-h{mysql.hostname}", f"-P{mysql.port}", f"-u{mysql.username}",
                    f"-p{mysql.password or ''}", "-e", f"CREATE DATABASE IF NOT EXISTS {name}"], check=True)
    yield {"PALAVER_DATABASE_URL": f"mysql://{mysql.netloc}/{name}", "PALAVER_REDIS_URL": os.environ["PALAVER_TEST_REDIS"],
           "PALAVER_ELASTICSEARCH_URL": os.environ["PALAVER_TEST_ELASTICSEARCH"].rstrip("/"),
           "PALAVER_REDIS_PREFIX": name, "PALAVER_INDEX_PREFIX": name}


@contextlib.contextmanager
def installation(options):
    if options.keep:
        os.makedirs(options.keep, exist_ok=True)
        with kept_stack(os.path.basename(os.path.abspath(options.keep))) as stack:
            yield Installation(stack, options.keep)
    else:
        with measure.temporary_stack(f"search{os.getpid()}") as stack, \
                tempfile.TemporaryDirectory(prefix="palaver-search-") as folder:
            yield Installation(stack, folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=2_200_000)
    parser.add_argument("--queries", type=int, default=100, help="of each class and round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", default="1,16")
    parser.add_argument("--classes", default="", help="only those whose names hold this")
    parser.add_argument("--corpora", default=os.path.join(measure.ROOT, "..", "shared", "corpora"))
    parser.add_argument("--jump", type=int, nargs="?", const=1_000_000, help="also jump into a room of so many messages")
    parser.add_argument("--no-embedded", action="store_true", help="leave the embedded profile out")
    parser.add_argument("--keep", metavar="FOLDER", help="an installation that stays, named for the folder")
    parser.add_argument("--only", choices=["import", "record", "classes", "notes", "worst"], help="only this step")
    parser.add_argument("--write", action="store_true", help="write the section of docs/performance.md")
    options = parser.parse_args()
    with installation(options) as installed:
        if options.only == "import" or not os.path.exists(installed.file):
            installed.fill(options)
        installed.load()
        if options.only == "record" or not options.keep:
            installed.record()
        if options.only not in ("import", "record"):
            measured(installed, options)
        if options.write:
            write(installed.state)


def measured(installed, options):
    servers = []
    try:
        servers.append(measure.Server(installed.stack))
        if options.only != "worst" and not options.no_embedded:
            servers.append(measure.Server(installed.embedded, "--data", installed.embedded["PALAVER_DATA"]))
        if options.only in (None, "classes"):
            classes(installed, servers, options)
        if options.only in (None, "worst"):
            worst(installed, servers[0], options)
        if options.only in (None, "notes"):
            servers.append(measure.Server(installed.stack))
            notes(installed, servers, options)
    finally:
        for server in servers:
            server.stop()


def classes(installed, servers, options):
    """The table's rows: each class of queries, from one client and from many."""
    node = next(iter(measure.call(installed.elasticsearch, "GET", "/_nodes/_local/process")[1]["nodes"].values()))
    rows = dict(installed.state.get("rows", {}))
    for clients in map(int, options.clients.split(",")):
        for name, list_of in installed.state["queries"]["stack"].items():
            if options.classes not in name:
                continue
            searches = [("GET", f"/v1/search?{query}") for query in list_of]
            sides = {"palaver": (servers[0].base, searches, servers[0].process.pid),
                     "direct": (installed.elasticsearch, installed.recorded(name), node["process"]["id"])}
            if len(servers) > 1:
                beside = [("GET", f"/v1/search?{query}") for query in installed.state["queries"]["embedded"][name]]
                sides["embedded"] = (servers[1].base, beside, servers[1].process.pid)
            taken = compare(sides, options.rounds, clients, 2 if clients > 1 else 1)
            rows[f"{clients} {name}"] = row(name, clients, taken)
    installed.save(rows=rows)


def worst(installed, server, options):
    """What the worst queries cost beside a plain word."""
    node = next(iter(measure.call(installed.elasticsearch, "GET", "/_nodes/_local/process")[1]["nodes"].values()))["process"]["id"]
    plain, rows = None, []
    for name, text, more in WORST:
        query = urllib.parse.urlencode([("q", text), *more])
        searches = [("GET", f"/v1/search?{query}")] * (5 if plain else 50)
        before = [measure.cpu(pid) for pid in (server.process.pid, node)]
        taken = timed(server.base, searches)
        used, index = ((measure.cpu(pid) - start) / len(taken) * 1e3
                       for pid, start in zip((server.process.pid, node), before))
        direct = timed(installed.elasticsearch, installed.recorded(f"worst: {name}")[:1] * 5)
        median = percentile(taken, 0.5)
        plain = plain or (median, index + used)
        rows.append(f"| {name} | {median:.1f} / {max(taken):.1f} | {median / plain[0]:.1f} | "
                    f"{percentile(direct, 0.5):.1f} / {max(direct):.1f} | {index:.0f} + {used:.0f} | "
                    f"{(index + used) / plain[1]:.1f} |")
        print(rows[-1], flush=True)
    installed.save(worst=rows, starving=starving(server))


def starving(server):
    """A plain word's search by itself, and while others ask for the worst, over and over."""
    def ask(number):
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(server.base).netloc, timeout=30)
        while not over.is_set():
            name, text, more = heavy[number % len(heavy)]
            connection.request("GET", f"/v1/search?{urllib.parse.urlencode([('q', text), *more])}")
            reply = connection.getresponse()
            reply.read()
            statuses[reply.status] += 1
            number += 1
            if reply.status != 200:
                time.sleep(0.5)  # As `retry_after_ms` says.

    over, statuses = threading.Event(), collections.Counter()
    heavy = [query for query in WORST[1:] if not query[0].startswith(("a ", "one ", "the most", "1,000", "12 kB"))]
    plain = [("GET", f"/v1/search?q={WORST[0][1]}")] * 300
    timed(server.base, plain)
    alone = timed(server.base, plain)
    threads = [threading.Thread(target=ask, args=(3 * number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    beside = timed(server.base, plain)
    over.set()
    for thread in threads:
        thread.join()
    text = (f"A plain word while eight clients ask for nothing but the worst, over and over: p50 "
            f"{percentile(beside, 0.5):.1f} ms, p99 {percentile(beside, 0.99):.1f} ms; alone "
            f"{percentile(alone, 0.5):.1f} and {percentile(alone, 0.99):.1f} ms. Of the worst, {statuses[200]} were answered "
            f"and {statuses[503]} refused (503).")
    print(text, flush=True)
    return text


def notes(installed, servers, options):
    count, made = installed.state["count"], []
    index = next(iter(measure.call(
        installed.elasticsearch, "GET", f"/{installed.stack['PALAVER_INDEX_PREFIX']}-messages*")[1]))
    measure.call(installed.elasticsearch, "POST", f"/{index}/_refresh")
    size = measure.call(
        installed.elasticsearch, "GET", f"/{index}/_stats/store")[1]["_all"]["primaries"]["store"]["size_in_bytes"]
    data = installed.embedded["PALAVER_DATA"]
    files = sum(os.path.getsize(os.path.join(data, file)) for file in os.listdir(data))

    def note(text):
        print(text, flush=True)
        made.append(text)

    # The rooms of earlier jumps are none of the messages that are meant.
    known = [text for text in installed.state.get("notes", []) if text.startswith("Bytes a message")]
    if documents(installed, index) > count and known:
        made += known
    else:
        note(f"Bytes a message: {size / count:.0f} in Elasticsearch, {files / count:.0f} in the embedded profile, "
             "which holds everything in them.")
    one = installed.recorded("word in one room")
    taken = compare({"routed": (installed.elasticsearch, one), "unrouted": (installed.elasticsearch, [
        (method, re.sub(r"&routing=[^&]*", "", path), body) for method, path, body in one])}, options.rounds, 1)
    note(f"One room, routed against unrouted, in Elasticsearch alone: "
         f"{measure.spread(ratios(taken['routed'], taken['unrouted']))} (one shard).")
    servers[0].user("sender")
    waits = found_at_once((servers[0], servers[-1]), servers[0].room(), 200)
    note(f"Acknowledged by one server until found by another: p50 {percentile(waits, 0.5):.1f} ms, "
         f"p99 {percentile(waits, 0.99):.1f} ms; {sum(wait > 1_000 for wait in waits)} of {len(waits)} over 1 s.")
    if options.jump:
        taken = jump(servers[0], installed.stack, installed.folder, options.jump)
        p50, p99 = ({side: percentile(flat(rounds), share) for side, rounds in taken.items()} for share in (0.5, 0.99))
        note(f"A jump into a room of {options.jump:,} messages against one into a room of 1,000, neither in memory: "
             f"{measure.spread(ratios(taken['large'], taken['small']))}; p50 {p50['large']:.2f} ms, p99 {p99['large']:.1f} "
             f"ms. Where the messages are in memory: p50 {p50['again']:.2f} ms, p99 {p99['again']:.1f} ms.")
    measure.call(installed.elasticsearch, "POST", f"/{index}/_refresh")
    installed.save(notes=made, others=documents(installed, index) - count)


def documents(installed, index):
    """How many an index has."""
    return measure.call(installed.elasticsearch, "GET", f"/{index}/_count")[1]["count"]


# What is written by hand below the tables begins here.
BY_HAND = "What the figures of search say"


def write(state):
    """Replaces the section of docs/performance.md, up to what is written by hand."""
    order = lambda key: (int(key.split()[0]), list(state["queries"]["stack"]).index(key.split(" ", 1)[1]))
    others = f", beside {state['others']:,} in rooms that jumps are measured in" if state.get("others") else ""
    lines = ["## Search", "",
             f"Made by `benchmarks/search.py` over {state['count']:,} messages of real conversations (English, Japanese, "
             f"Chinese){others}, rounds alternating. \"Direct\" is the very request that Palaver sends to Elasticsearch for the "
             "query, sent by the same client (a C program). Times are p50 / p99 in milliseconds, the ratio is that of "
             "the p50s, minimum / **median** / maximum. Aim: p50 ≤ 1.1 × + 0.5 ms (\"beyond 1.1 ×\" ≤ 0.5), p99 ≤ 1.3 ×. "
             "Processor time is Palaver's own, of one search.", "",
             "| query | clients | Palaver | direct | ratio | beyond 1.1 ×, ms | ratio of p99 | processor, µs | embedded |",
             "|---|---|---|---|---|---|---|---|---|",
             *[state["rows"][key] for key in sorted(state["rows"], key=order)], "",
             *[f"- {note}" for note in state.get("notes", [])], ""]
    if "worst" in state:
        lines += ["The worst queries: median / slowest of 5 in milliseconds, times a plain word's, Elasticsearch's own "
                  "time, and the processor time of one, Elasticsearch's and Palaver's, with how many plain words' it is.", "",
                  "| query | Palaver | of a plain word's | direct | processor, ms | of a plain word's |",
                  "|---|---|---|---|---|---|", *state["worst"], "", state.get("starving", ""), ""]
    path = os.path.join(measure.ROOT, "docs", "performance.md")
    text = open(path).read()
    old = re.search(r"\n## Search\n.*?(?=\n## |\Z)", text, flags=re.S)
    by_hand = old.group(0).partition(f"### {BY_HAND}")[2] if old else ""
    lines += [f"### {BY_HAND}" + (by_hand.rstrip("\n") or "\n"), ""]
    rest = text.replace(old.group(0), "") if old else text
    with open(path, "w") as file:
        file.write(rest.rstrip("\n") + "\n\n" + "\n".join(lines))


if __name__ == "__main__":
    main()
