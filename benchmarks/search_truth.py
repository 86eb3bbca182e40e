#!/usr/bin/env python3
"""Measures what search finds: recall and precision of some hundred queries over real chat, against a plain scan.

The scan reads the messages from the first to the last with Python's own Unicode tables and regular expressions, and
shares nothing with the service. What it takes for a match is what a person would, who looks at the text:

  word        stands in the text, case, accents (of Latin letters) and width aside, and no letter or digit continues it;
              or is a part of a name, set off by a capital (getUserById). Whether a digit sets off a part (16GB) is left
              to the service: such messages count neither as missed nor as wrong
  word*       the same, and anything may continue it
  CJK         the characters stand in the text next to each other
  symbols     foo_bar.rs, a::b, C++, #12: these characters stand in the text, and no letter or digit continues them
  part        a piece of foo_bar.rs, a::b or camelCase, as a word
  phrase      the words follow each other, with nothing but spaces and punctuation between
  `literal`   exactly these characters
  operators   a filter of the message's author, room, time or links, with a word beside it

Queries are drawn from the messages themselves, by a seed. Each is paged to its end, and every message compared.

  scripts/with-stack benchmarks/search_truth.py --corpora FOLDER [--messages N] [--write]

FOLDER holds files of lines {"room", "user", "timestamp", "text"}, as .ndjson or .ndjson.zst.
"""
import argparse, collections, datetime, glob, http.client, json, os, random, re, subprocess, sys, tempfile, time
import unicodedata, urllib.parse

import measure

CJK = "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af\uff66-\uff9f々〆"
VOICE_MARKS = "\uff9e\uff9f\u3099\u309a"
IS_CJK = re.compile(f"[{CJK}]")
LATIN_EXTRAS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ħ": "h", "ı": "i", "’": "'", "‘": "'"})


def narrow(character):
    """The plain form of a full-width or half-width character."""
    kind, _, points = unicodedata.decomposition(character).partition(" ")
    return "".join(chr(int(p, 16)) for p in points.split()) if kind in ("<wide>", "<narrow>") else character


def fold(text):
    """Lower case, one width, Latin letters without accents: how a person compares."""
    plain = unicodedata.normalize("NFC", "".join(map(narrow, text)) if not text.isascii() else text)
    result, latin = [], False
    for character in unicodedata.normalize("NFD", plain.casefold()):
        if unicodedata.combining(character):
            if not latin:
                result.append(character)
            continue
        latin = "a" <= character <= "z"
        result.append(character)
    return unicodedata.normalize("NFC", "".join(result)).translate(LATIN_EXTRAS)


def is_word_character(character):
    return (character.isalnum() or unicodedata.category(character)[0] == "M") and not IS_CJK.match(character)


class Message:
    __slots__ = ("room", "seq", "user", "time", "text", "folded", "humps", "digits")

    def __init__(self, room, seq, user, time, text):
        self.room, self.seq, self.user, self.time, self.text = room, seq, user, time, text
        self.folded = fold(text)
        # Places are those of the text only where folding changed no lengths: names in code are plain.
        is_plain = len(self.folded) == len(text)
        self.humps = frozenset(m.start() + 1 for m in HUMP.finditer(text)) if is_plain else frozenset()
        self.digits = frozenset(m.start() + 1 for m in DIGIT_EDGE.finditer(self.folded))


# Where a part of a name begins within it: aB, ABc; and a1, 1a.
HUMP = re.compile(r"[a-z](?=[A-Z])|[A-Z](?=[A-Z][a-z])")
DIGIT_EDGE = re.compile(r"[^\W\d_](?=\d)|\d(?=[^\W\d_])")


class Leniency:
    """Whether a digit sets off a part of a name."""
    digits = False


def stands_alone(message, word, continues=False):
    """Whether the word stands in the text with no letter or digit running on at either end (`continues`: at its start),
    but for another part of the same name."""
    folded = message.folded
    humps = message.humps | message.digits if Leniency.digits else message.humps
    start = folded.find(word)
    while start >= 0:
        end = start + len(word)
        open_left = start == 0 or start in humps or not is_word_character(word[0]) or not is_word_character(folded[start - 1])
        open_right = (continues or end == len(folded) or end in humps or not is_word_character(word[-1])
                      or not is_word_character(folded[end]))
        if open_left and open_right:
            return True
        start = folded.find(word, start + 1)
    return False


BEGIN, END = "<!-- begin: made by benchmarks/search_truth.py -->", "<!-- end -->"

# A query: its class, what is typed, and what a message must be to match.
Query = collections.namedtuple("Query", "kind text matches")


def word(kind, typed, continues=False):
    needle = fold(typed)
    if not needle:
        return None
    return Query(kind, typed + ("*" if continues else ""),
                 lambda m: needle in m.folded and stands_alone(m, needle, continues))


def phrase(typed):
    words = [fold(w) for w in typed.split()]
    pattern = re.compile(r"(?:\W|_)+".join(map(re.escape, words)))

    def matches(m):
        if words[0] not in m.folded:
            return False
        return any((f.start() == 0 or not is_word_character(m.folded[f.start() - 1]))
                   and (f.end() == len(m.folded) or not is_word_character(m.folded[f.end()]))
                   for f in pattern.finditer(m.folded))
    return Query("phrase", f'"{typed}"', matches)


def both(kind, text, *parts):
    return Query(kind, text, lambda m: all(p(m) for p in parts))


HOST = re.compile(r"https?://([^/\s:?#<>()\"'\]]+)", re.I)


class Drawing:
    """Draws queries of each class from messages."""

    def __init__(self, messages, seed):
        self.messages, self.random = messages, random.Random(seed)
        self.counts = collections.Counter(w for m in messages for w in set(self.words(m)))

    @staticmethod
    def words(message):
        return re.findall(r"[^\W_]{2,}", message.folded)

    def draw(self, kind, count):
        found, tried = {}, 0
        while len(found) < count and tried < 400 * count:
            tried += 1
            query = getattr(self, kind)(self.random.choice(self.messages))
            if query and query.text not in found and len(query.text) <= 200:
                found[query.text] = query
        return list(found.values())

    def plain_words(self, message, least=2):
        """Words that are set off by spaces, as a person would type them again."""
        return [w for w in re.findall(r"(?<!\S)[^\W_]+(?!\S)", message.text)
                if not IS_CJK.search(w) and len(w) >= least and w != "OR" and w.isascii()]

    def some_word(self, message, least=2):
        words = self.plain_words(message, least)
        return self.random.choice(words) if words else None

    def token(self, message, pattern):
        found = [t for t in re.findall(pattern, message.text) if not t.startswith("-")]
        return self.random.choice(found) if found else None

    def word(self, message):
        typed = self.some_word(message)
        return typed and word("word", typed)

    def accented(self, message):
        typed = self.token(message, r"(?<!\S)[^\W\d_]+(?!\S)")
        if not typed or typed.isascii() or IS_CJK.search(typed) or fold(typed) == typed.lower():
            return None
        return word("accented", self.random.choice((typed, fold(typed), typed.upper())))

    def two_words(self, message):
        words = self.plain_words(message)
        if len(set(words)) < 2:
            return None
        chosen = self.random.sample(sorted(set(words)), 2)
        parts = [word("", w).matches for w in chosen]
        return both("two words", " ".join(chosen), *parts)

    def phrase(self, message):
        match = re.search(r"(?<!\S)[A-Za-z0-9]+(?: [A-Za-z0-9]+){1,3}(?!\S)", message.text)
        if not match:
            return None
        words = match.group().split()
        return phrase(" ".join(words[: self.random.randint(2, len(words))])) if len(words) > 1 else None

    def prefix(self, message):
        typed = self.some_word(message, 5)
        return typed and word("prefix", typed[: self.random.randint(3, len(typed) - 1)], True)

    def cjk(self, message):
        runs = re.findall(f"[{CJK}]+", message.text)
        if not runs:
            return None
        run = self.random.choice(runs)
        length = self.random.choice((1, 2, 2, 3, 4, 5))
        start = self.random.randrange(len(run))
        end = start + length
        # A mark that makes another letter of the one before belongs to it.
        while start > 0 and run[start] in VOICE_MARKS:
            start -= 1
        while end < len(run) and run[end] in VOICE_MARKS:
            end += 1
        typed = run[start:end]
        needle = fold(typed)
        return Query(f"CJK, {min(len(typed), 3)}{'+' if len(typed) > 2 else ''}", typed, lambda m: needle in m.folded)

    def mixed(self, message):
        typed = self.token(message, f"[{CJK}]{{1,3}}[A-Za-z0-9]+|(?<![A-Za-z0-9])[A-Za-z0-9]+[{CJK}]{{1,3}}")
        return typed and word("CJK with Latin", typed)

    def identifier(self, message):
        typed = self.token(message, r"(?<![\w.:/-])(?:\w+_\w+(?:\.\w+)?|\w+(?:::\w+)+|[a-z]+[A-Z]\w+|\w+\.(?:rs|c|pm|js|md|lean|txt|p6|toml))"
                                    r"(?![\w:/-])")
        return typed and typed.isascii() and word("identifier", typed.strip("_")) or None

    def identifier_part(self, message):
        typed = self.token(message, r"(?<![\w.:/-])\w+(?:_|::)\w+(?![\w:/-])")
        parts = [p for p in re.split(r"_+|::", typed or "") if len(p) > 2 and p.isascii() and p.isalnum()]
        return word("part of an identifier", self.random.choice(parts)) if parts else None

    def camel_part(self, message):
        typed = self.token(message, r"(?<![\w.:/-])[a-z]{3,}(?:[A-Z][a-z]{2,})+(?![\w:/-])")
        parts = re.findall(r"[A-Z][a-z]{2,}", typed or "")
        if not parts:
            return None
        return word("part of camelCase", self.random.choice(parts).lower())

    def symbols(self, message):
        typed = self.token(message, r"(?<!\S)(?:C\+\+|C#|F#|[#$@%][A-Za-z0-9]{2,}|v?\d+\.\d+(?:\.\d+)+)(?=[\s.,;!?)]|$)")
        return typed and word("symbols and versions", typed)

    def address(self, message):
        url = self.token(message, r"https?://[^\s<>()\"'`\]]+")
        if not url or not url.isascii():
            return None
        host = HOST.match(url).group(1)
        return word("URL", self.random.choice((url.rstrip(".,;:/"), host, host)))

    def emoji(self, message):
        typed = self.token(message, "[\U0001f300-\U0001f64f\U0001f680-\U0001f6ff\U0001f900-\U0001f9ff]")
        return typed and Query("emoji", typed, lambda m: typed in m.text)

    def literal(self, message):
        pieces = [p for p in message.text.split() if 3 <= len(p) <= 30 and "`" not in p and not p.isalnum()]
        if not pieces:
            return None
        typed = self.random.choice(pieces)
        composed = unicodedata.normalize("NFC", typed)
        return Query("literal", f"`{typed}`", lambda m: composed in unicodedata.normalize("NFC", m.text))

    def negated(self, message):
        words = sorted(set(self.plain_words(message, 3)), key=lambda w: self.counts[fold(w)])
        if len(words) < 2:
            return None
        rare, other = words[0], self.random.choice(list(self.counts))
        if not other.isascii() or fold(rare) == other:
            return None
        wanted, unwanted = word("", rare).matches, word("", other).matches
        return Query("negated", f"{rare} -{other}", lambda m: wanted(m) and not unwanted(m))

    def either(self, message):
        first, second = self.some_word(message, 4), self.some_word(self.random.choice(self.messages), 4)
        if not first or not second:
            return None
        a, b = word("", first).matches, word("", second).matches
        return Query("OR", f"{first} OR {second}", lambda m: a(m) or b(m))

    def author(self, message):
        typed = self.some_word(message) or (IS_CJK.match(message.text[:1]) and message.text[:1])
        if not typed or not re.fullmatch(r"[A-Za-z0-9_-]+", message.user):
            return None
        wanted = word("", typed).matches
        return Query("from:", f"from:{message.user} {typed}", lambda m: m.user == message.user and wanted(m))

    def dated(self, message):
        typed = self.some_word(message)
        if not typed:
            return None
        wanted = word("", typed).matches
        day = datetime.datetime.fromtimestamp(message.time / 1000, datetime.timezone.utc)
        start = day.replace(hour=0, minute=0, second=0, microsecond=0)
        month = start.replace(day=1)
        after_month = (month + datetime.timedelta(days=32)).replace(day=1)
        named, begin, end = self.random.choice((
            (f"on:{day:%Y-%m-%d}", start, start + datetime.timedelta(days=1)),
            (f"during:{day:%Y-%m}", month, after_month),
            (f"before:{day:%Y-%m}", None, month),
            (f"after:{day:%Y-%m-%d}", start + datetime.timedelta(days=1), None)))
        low = begin.timestamp() * 1000 if begin else float("-inf")
        high = end.timestamp() * 1000 if end else float("inf")
        return Query("dates", f"{named} {typed}", lambda m: low <= m.time < high and wanted(m))

    def linked(self, message):
        url = self.token(message, r"https?://[^\s<>()\"'`\]]+")
        if not url or not url.isascii():
            return None
        host = HOST.match(url).group(1).lower()
        return Query("link:", f"link:{host}", lambda m: any(
            h.lower() == host or h.lower().endswith("." + host) for h in HOST.findall(m.text)))


SHARES = {
    "word": 90, "two_words": 50, "phrase": 60, "prefix": 50, "cjk": 120, "mixed": 30, "identifier": 50,
    "identifier_part": 30, "camel_part": 20, "symbols": 30, "address": 30, "emoji": 10, "literal": 30, "negated": 30,
    "either": 20, "author": 30, "dated": 40, "linked": 20, "accented": 20,
}


def read(folder, count):
    """The first `count` messages of each corpus, numbered in each room as they come."""
    numbers = collections.Counter()
    for path in sorted(glob.glob(os.path.join(folder, "*.ndjson*"))):
        command = ["zstd", "-dc", path] if path.endswith(".zst") else ["cat", path]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        corpus = []
        for _, line in zip(range(count), process.stdout):
            m = json.loads(line)
            numbers[m["room"]] += 1
            corpus.append((line, Message(m["room"], numbers[m["room"]], m["user"], m["timestamp"], m["text"])))
        process.kill()
        process.wait()
        yield os.path.basename(path).split(".")[0], corpus


class Asker:
    """Pages a search to its end over one kept connection."""

    def __init__(self, base):
        url = urllib.parse.urlsplit(base)
        self.connection = http.client.HTTPConnection(url.hostname, url.port, timeout=30)

    def page(self, query, cursor):
        parameters = {"q": query, "limit": 100, **({"cursor": cursor} if cursor else {})}
        while True:
            self.connection.request("GET", "/v1/search?" + urllib.parse.urlencode(parameters))
            reply = self.connection.getresponse()
            body = json.loads(reply.read())
            if reply.status in (429, 503):
                time.sleep(body.get("retry_after_ms", 100) / 1000)
                continue
            if reply.status != 200:
                sys.exit(f"{query!r} was answered {reply.status}: {body}")
            return body

    def all(self, query):
        found, cursor = {}, None
        while True:
            body = self.page(query, cursor)
            if not body["complete"]:
                print(f"\n{query!r} was not answered completely", file=sys.stderr)
            for hit in body["hits"]:
                key = (body["rooms"][str(hit["message"]["room"])]["name"], hit["message"]["seq"])
                if key in found:
                    sys.exit(f"{query!r} gave {key} twice")
                found[key] = hit["message"]["text"]
            cursor = body["next"]
            if not cursor:
                return found


def compare(queries, truths, messages, asker, progress):
    """For each query: what it should have found and did not, and what it found and should not have."""
    results = []
    for number, (query, truth) in enumerate(zip(queries, truths)):
        found = asker.all(query.text)
        missed, wrong = truth.keys() - found.keys(), found.keys() - truth.keys()
        Leniency.digits = True
        missed = [messages[key].text for key in missed if query.matches(messages[key])]
        wrong = [messages[key].text for key in wrong if not query.matches(messages[key])]
        Leniency.digits = False
        results.append((query, len(truth), missed, wrong, len(found)))
        if progress and number % 25 == 0:
            print(f"\r{progress}: {number}/{len(queries)}", end="", file=sys.stderr, flush=True)
    if progress:
        print(file=sys.stderr)
    return results


def tables(name, results):
    """Recall and precision by class: over all hits of its queries, and the mean over queries."""
    groups = collections.defaultdict(list)
    for result in results:
        groups[result[0].kind].append(result)
    lines = [f"### {name}", "", "| class | queries | matches | recall | precision | queries with all and nothing else |",
             "|---|---|---|---|---|---|"]

    def row(kind, some):
        expected = sum(r[1] for r in some)
        missed, wrong = sum(len(r[2]) for r in some), sum(len(r[3]) for r in some)
        found = sum(r[4] for r in some)
        recall = 1 - missed / max(1, expected)
        precision = 1 - wrong / max(1, found)
        perfect = sum(not r[2] and not r[3] for r in some)
        return f"| {kind} | {len(some)} | {expected} | {recall:.4f} | {precision:.4f} | {perfect} |"

    lines += [row(kind, groups[kind]) for kind in sorted(groups)]
    return "\n".join(lines + [row("**all**", results), ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", required=True, help="folder of .ndjson or .ndjson.zst files")
    parser.add_argument("--messages", type=int, default=50_000, help="of each corpus (default: 50000)")
    parser.add_argument("--most", type=int, default=3_000, help="queries that match more are not asked (default: 3000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--profile", choices=("embedded", "stack"), action="append")
    parser.add_argument("--misses", help="write every miss and every wrong hit to this file")
    parser.add_argument("--palaver", default=measure.PALAVER)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/search.md")
    arguments = parser.parse_args()
    measure.paths.PALAVER = arguments.palaver

    everything, queries = [], []
    for name, corpus in read(arguments.corpora, arguments.messages):
        print(f"{name}: {len(corpus)} messages", file=sys.stderr)
        drawing = Drawing([m for _, m in corpus], f"{arguments.seed} {name}")
        for kind, share in SHARES.items():
            queries += drawing.draw(kind, share // 2)
        everything += corpus
    messages = {(m.room, m.seq): m for _, m in everything}
    truths, kept = [], []
    for number, query in enumerate(queries):
        truth = {key: m.text for key, m in messages.items() if query.matches(m)}
        if len(truth) <= arguments.most:
            kept.append(query)
            truths.append(truth)
        if number % 25 == 0:
            print(f"\rscanning: {number}/{len(queries)}", end="", file=sys.stderr, flush=True)
    print(f"\n{len(kept)} queries over {len(messages)} messages", file=sys.stderr)

    with tempfile.TemporaryDirectory(prefix="palaver-truth-") as folder:
        file = os.path.join(folder, "messages.ndjson")
        with open(file, "wb") as out:
            out.writelines(line for line, _ in everything)
        written = [f"{len(kept)} queries over {len(messages):,} messages (seed {arguments.seed}).", ""]
        for profile in arguments.profile or ("embedded", "stack"):
            results = ask(profile, folder, file, kept, truths, messages)
            written.append(tables(profile, results))
            print(written[-1])
            if arguments.misses:
                write_misses(arguments.misses, profile, results)
    if arguments.write:
        write_tables("\n".join(written))


def write_tables(text):
    """Between the two marks of docs/search.md."""
    path = os.path.join(measure.ROOT, "docs", "search.md")
    before, rest = open(path).read().split(BEGIN)
    with open(path, "w") as file:
        file.write(before + BEGIN + "\n" + text + "\n" + END + rest.split(END)[1])


def ask(profile, folder, file, queries, truths, messages):
    """Imports the messages and asks every query, on either profile."""
    if profile == "embedded":
        return import_and_ask(None, ["--data", os.path.join(folder, "data")], profile, file, queries, truths, messages)
    with measure.temporary_stack(f"truth{os.getpid()}") as stack:
        return import_and_ask(stack, [], profile, file, queries, truths, messages)


def import_and_ask(stack, where, profile, file, queries, truths, messages):
    subprocess.run([measure.paths.PALAVER, "import", *where, file], check=True, stdout=subprocess.DEVNULL,
                   env=dict(os.environ, PALAVER_LOG="warning", **(stack or {})))
    server = measure.Server(stack, *where)
    try:
        return compare(queries, truths, messages, Asker(server.base), profile)
    finally:
        server.stop()


def write_misses(path, profile, results):
    with open(path, "a") as out:
        for query, expected, missed, wrong, _ in results:
            for what, texts in (("missed", missed), ("wrong", wrong)):
                for text in texts[:20]:
                    print(json.dumps({"profile": profile, "class": query.kind, "query": query.text, "matches": expected,
                                      what: text, "of": len(texts)}, ensure_ascii=False), file=out)


if __name__ == "__main__":
    main()
