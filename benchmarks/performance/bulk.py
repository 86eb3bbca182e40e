"""A raw `_bulk` loop: the limit of everything that is indexed."""
import concurrent.futures
import http.client
import json
import time
import urllib.parse

from .backends import call, elasticsearch_base
from .figures import Side

DOCUMENTS_OF_A_BODY = 1_000
KEPT_SETTINGS = ("analysis", "sort", "refresh_interval", "number_of_shards", "number_of_replicas", "translog",
                 "auto_expand_replicas", "codec", "mapping", "merge")


def settle(patience=15):
    """Waits until Elasticsearch merges nothing any more: what one side began must not slow the other."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        merges = call(elasticsearch_base(), "GET", "/_stats/merge?filter_path=_all.total.merges.current")[1]
        if not merges or merges["_all"]["total"]["merges"]["current"] == 0:
            return
        time.sleep(0.1)


def history_index(prefix):
    """The index in which an installation keeps its messages."""
    return next(iter(call(elasticsearch_base(), "GET", f"/{prefix}-messages*")[1]))


def bodies(index):
    """All documents of an index as rendered `_bulk` bodies, with their ids, routing and versions; and how many they are."""
    base, rendered, count, after = elasticsearch_base(), [], 0, None
    call(base, "POST", f"/{index}/_refresh")
    while True:
        query = {"size": DOCUMENTS_OF_A_BODY, "sort": [{"room": "asc"}, {"seq": "asc"}], "version": True}
        if after:
            query["search_after"] = after
        hits = call(base, "POST", f"/{index}/_search", query)[1]["hits"]["hits"]
        if not hits:
            return rendered, count
        after = hits[-1]["sort"]
        lines = []
        for hit in hits:
            lines.append(json.dumps({"index": {"_id": hit["_id"], "routing": hit.get("_routing"), "version": hit["_version"],
                                               "version_type": "external"}}))
            lines.append(json.dumps(hit["_source"], ensure_ascii=False))
        count += len(hits)
        rendered.append(("\n".join(lines) + "\n").encode())


def twin(index, name):
    """An empty index of the same settings and mapping."""
    base = elasticsearch_base()
    made = call(base, "GET", f"/{index}")[1][index]
    kept = {key: value for key, value in made["settings"]["index"].items() if key in KEPT_SETTINGS}
    status, reply = call(base, "PUT", f"/{name}", {"settings": {"index": kept}, "mappings": made["mappings"]})
    if status != 200:
        raise RuntimeError(f"the raw index: {reply}")


def raw_bulk(elasticsearch, name, rendered):
    """Sends the bodies over two kept connections; returns seconds, the final refresh included."""
    url = urllib.parse.urlsplit(elasticsearch)

    def share(some):
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
        for body in some:
            connection.request("POST", f"/{name}/_bulk?filter_path=errors", body, {"Content-Type": "application/json"})
            if json.loads(connection.getresponse().read())["errors"]:
                raise RuntimeError("the raw _bulk loop was refused documents")
        connection.close()

    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(share, (rendered[0::2], rendered[1::2])))
    call(elasticsearch, "POST", f"/{name}/_refresh")
    return time.monotonic() - start


class Loop:
    """The loop as the other side of a workload: the documents are those of the installation's first round."""

    def __init__(self, context):
        self.context = context
        self.side = Side("raw `_bulk`", "documents")
        self.rendered = None

    def round(self, stack):
        """One round, into an index made for it, as the installation's, and deleted again."""
        settle()
        index = history_index(stack["PALAVER_INDEX_PREFIX"])
        self.rendered = self.rendered or bodies(index)
        name = self.context.name() + "-raw"
        twin(index, name)
        try:
            with self.side.using(elasticsearch=self.context.backends["elasticsearch"]):
                seconds = raw_bulk(elasticsearch_base(), name, self.rendered[0])
        finally:
            call(elasticsearch_base(), "DELETE", f"/{name}")
        self.side.add(self.rendered[1], self.rendered[1] / seconds)
