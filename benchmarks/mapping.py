#!/usr/bin/env python3
"""Measures what the index's mapping costs: the same messages into an index of Palaver's mapping and into a plain one
(the standard analyzer, keyword ids, no further field), through one raw `_bulk` loop, alternating in one run. Rate,
Elasticsearch's processor time and bytes a message.

Needs the back ends of the test stack, real conversations, and a release build:
  scripts/with-stack benchmarks/mapping.py --messages 300000 --rounds 5 --write
"""
import argparse, itertools, json, os, subprocess, sys, tempfile, time

import measure
from measure import call

CORPORA = ("english_irc", "english_forum", "japanese", "chinese")
BLOCK = 500  # messages of one corpus in a row
BULK = 1_000

PLAIN = {
    "settings": {"index": {"number_of_shards": 1, "auto_expand_replicas": "0-1", "refresh_interval": "200ms"}},
    "mappings": {"dynamic": "strict", "_routing": {"required": True}, "properties": {
        "room": {"type": "keyword"}, "user": {"type": "keyword"}, "seq": {"type": "long"},
        "timestamp": {"type": "date", "format": "epoch_millis"}, "text": {"type": "text"}}},
}


def mixed(corpora, messages, path):
    """Equal parts of each corpus, in blocks, as one file to import."""
    share = messages // len(CORPORA)
    streams = [subprocess.Popen(f"zstd -dcq '{corpora}/{name}.ndjson.zst' | head -n {share}", shell=True,
                                stdout=subprocess.PIPE) for name in CORPORA]
    with open(path, "wb") as file:
        while True:
            blocks = [list(itertools.islice(stream.stdout, BLOCK)) for stream in streams]
            if not any(blocks):
                break
            for block in blocks:
                file.writelines(block)
    for stream in streams:
        stream.wait()


def hits(elasticsearch, index):
    """The documents of an index in the order in which they were written."""
    after = None
    while True:
        query = {"size": BULK, "sort": [{"_seq_no": "asc"}], "version": True}
        if after:
            query["search_after"] = after
        found = call(elasticsearch, "POST", f"/{index}/_search", query)[1]["hits"]["hits"]
        if not found:
            return
        after = found[-1]["sort"]
        yield found


def body(found, fields=None):
    """A `_bulk` body of the documents, or of some of their fields."""
    lines = []
    for hit in found:
        lines.append({"index": {"_id": hit["_id"], "routing": hit["_routing"], "version": hit["_version"],
                                "version_type": "external"}})
        source = hit["_source"]
        lines.append({name: source[name] for name in fields if name in source} if fields else source)
    return "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines).encode()


def documents(stack, corpora, messages):
    """Bodies of Palaver's documents, of the plain ones, and the index that Palaver made for them."""
    elasticsearch = stack["PALAVER_ELASTICSEARCH_URL"]
    with tempfile.TemporaryDirectory(prefix="palaver-mapping-") as folder:
        file = os.path.join(folder, "mixed.ndjson")
        mixed(corpora, messages, file)
        subprocess.run([measure.PALAVER, "import", file], check=True, stdout=subprocess.DEVNULL,
                       env=dict(os.environ, PALAVER_LOG="warning", **stack))
    index, definition = made_index(stack)
    ours, plain = [], []
    for found in hits(elasticsearch, index):
        ours.append(body(found))
        plain.append(body(found, PLAIN["mappings"]["properties"]))
    return ours, plain, definition


def made_index(stack):
    """The index that Palaver has made, and what another like it is made from."""
    elasticsearch, prefix = stack["PALAVER_ELASTICSEARCH_URL"], stack["PALAVER_INDEX_PREFIX"]
    index, found = next(iter(call(elasticsearch, "GET", f"/{prefix}-messages*")[1].items()))
    kept = ("analysis", "sort", "refresh_interval", "number_of_shards", "auto_expand_replicas", "translog")
    settings = {key: value for key, value in found["settings"]["index"].items() if key in kept}
    return index, {"settings": {"index": settings}, "mappings": found["mappings"]}


def processors(elasticsearch):
    """Seconds of processor time that the node has used."""
    stats = call(elasticsearch, "GET", "/_nodes/_local/stats/process?filter_path=nodes.*.process.cpu.total_in_millis")
    return next(iter(stats[1]["nodes"].values()))["process"]["cpu"]["total_in_millis"] / 1_000


def settled(elasticsearch):
    """Waits until the node does nothing more: merges of what went before must not be counted with what follows."""
    before = processors(elasticsearch)
    for _ in range(120):
        time.sleep(0.5)
        now = processors(elasticsearch)
        if now - before < 0.1:
            return
        before = now


def load(elasticsearch, index, definition, bodies):
    """One round: (messages/s, microseconds of processor time a message, merges included, bytes a message)."""
    status, reply = call(elasticsearch, "PUT", f"/{index}", definition)
    if status != 200:
        sys.exit(f"{index}: {reply}")
    settled(elasticsearch)
    count, before = sum(part.count(b"\n") // 2 for part in bodies), processors(elasticsearch)
    seconds = measure.raw_bulk(elasticsearch, index, bodies)
    settled(elasticsearch)
    used = processors(elasticsearch) - before
    call(elasticsearch, "POST", f"/{index}/_forcemerge?max_num_segments=1", timeout=300)
    call(elasticsearch, "POST", f"/{index}/_flush")
    stats = call(elasticsearch, "GET", f"/{index}/_stats/store,docs")[1]["_all"]["primaries"]
    if stats["docs"]["count"] != count:
        sys.exit(f"{index} holds {stats['docs']['count']} of {count} documents")
    call(elasticsearch, "DELETE", f"/{index}")
    return count / seconds, used / count * 1e6, stats["store"]["size_in_bytes"] / count


def rounds(elasticsearch, name, variants, number):
    """`variants`: name → (definition, bodies). Returns name → list of results, one a round, after a round unmeasured."""
    results = {variant: [] for variant in variants}
    for turn in range(number + 1):
        order = list(variants) if turn % 2 else list(reversed(variants))
        for variant in order:
            definition, bodies = variants[variant]
            result = load(elasticsearch, f"raw-{name}-{variant}-{turn}", definition, bodies)
            if turn:
                results[variant].append(result)
                print(f"{variant}: {result[0]:,.0f} messages/s, {result[1]:.1f} µs, {result[2]:.0f} bytes", flush=True)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--corpora", default=os.path.join(measure.ROOT, "..", "shared", "corpora"))
    parser.add_argument("--write", action="store_true", help="write the section of docs/performance.md")
    options = parser.parse_args()
    name = f"mapping{os.getpid()}"
    with measure.temporary_stack(name) as stack:
        ours, plain, definition = documents(stack, options.corpora, options.messages)
        elasticsearch = stack["PALAVER_ELASTICSEARCH_URL"]
        results = rounds(elasticsearch, name, {"palaver": (definition, ours), "plain": (PLAIN, plain)}, options.rounds)
    text = section(results, options)
    print(text)
    if options.write:
        write(text)


def section(results, options):
    def row(what, index, digits, better):
        ours, plain = ([result[index] for result in results[variant]] for variant in ("palaver", "plain"))
        ratios = [left / right for left, right in zip(ours, plain)]
        return (f"| {what} | {measure.spread(ours, digits)} | {measure.spread(plain, digits)} | "
                f"{measure.spread(ratios)} | {better} |")

    return "\n".join([
        f"{options.messages:,} messages in equal parts of English IRC, an English forum, Japanese and Chinese, "
        f"{options.rounds} alternating rounds after one unmeasured; {BULK:,} documents × 2 in flight, the same ids, "
        "routing and versions; plain: the standard analyzer, keyword ids, no further field and no order of the index. "
        "Minimum / **median** / maximum.", "",
        "| | Palaver's mapping | plain | ratio | aim |", "|---|---|---|---|---|",
        row("messages/s", 0, 0, "≥ 0.7"),
        row("µs of Elasticsearch's processor time a message, merges included", 1, 1, ""),
        row("bytes a message, one segment", 2, 0, "")])


def write(text):
    path = os.path.join(measure.ROOT, "docs", "performance.md")
    with open(path) as file:
        parts = file.read().split("\n## ")
    parts = [part for part in parts if not part.startswith("What the mapping costs")]
    parts.append("What the mapping costs\n`benchmarks/mapping.py`, " + text + "\n")
    with open(path, "w") as file:
        file.write("\n## ".join(part.strip("\n") + "\n" for part in parts))


if __name__ == "__main__":
    main()
