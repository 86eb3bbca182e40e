"""The workloads by name, in the order in which they are run and shown."""
from . import broadcast, fairness, finding, history, idle, indexing, joins, rooms, searching, sends, several

ALL = {
    "import": indexing.imports, "drain": indexing.drain, "sustained": indexing.sustained, "sends": sends.sends,
    "broadcast": broadcast.broadcast, "latency": broadcast.latency, "joins": joins.joins, "history": history.history,
    "search": searching.search, "finding": finding.finding, "idle": idle.idle,
    "rooms": rooms.rooms, "servers": several.servers, "fairness": fairness.fairness,
    "fairness-embedded": fairness.embedded,
}
