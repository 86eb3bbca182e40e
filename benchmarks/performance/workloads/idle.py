"""Memory of WebSockets on which nothing happens."""
from .. import programs

SOCKETS = 5_000
LIMIT = 8_000


def idle(context):
    sizes = []
    for _ in context.rounds(3):
        with context.server("--role", "edge") as server:
            report = programs.bench("idle", server.port, "--clients", SOCKETS, "--seconds", 3, "--warm-up", 0,
                                    "--pid", server.pid)
        sizes.append(next(one for one in report["figures"].items() if one[0] == "bytes_per_socket")[1])
    context.row("idle", "idle WebSocket", "8 kB", 1, [size / LIMIT for size in sizes],
                f"{sorted(sizes)[len(sizes) // 2]:,.0f} bytes of the server's memory a socket, {SOCKETS:,} in one room",
                better="lower")
