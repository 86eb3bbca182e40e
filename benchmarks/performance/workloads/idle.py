"""Memory of WebSockets on which nothing happens."""
import statistics
import time

from .. import programs

FIRST, SOCKETS = 1_000, 5_000
LIMIT = 8_000


def idle(context):
    sizes = []
    for _ in context.rounds(3):
        with context.server("--role", "edge", users=SOCKETS) as server:
            path = f"/v1/chatrooms/{server.room()}/join?user=bench%d"

            def sockets(count):
                return programs.Background("readers", "raw", server.port, path, count, 1)

            # What the first connections make a server set aside is not theirs.
            with sockets(FIRST):
                time.sleep(1)
                before = server.memory()
                with sockets(SOCKETS):
                    time.sleep(2)
                    sizes.append((server.memory() - before) / SOCKETS)
    context.row("idle", "idle WebSocket", "8 kB", 1, [size / LIMIT for size in sizes],
                f"{statistics.median(sizes):,.0f} bytes of the server's memory a socket, {SOCKETS:,} people in one room",
                better="lower")
