// Fetches pages over N kept connections for so many seconds, one request after the other on each.
// usage: fetchers PORT N SECONDS PATH…     the paths are taken in turn
#include "sockets.h"
#include "marks.h"

#define BUFFER 1048576

struct fetcher { int descriptor; double begun; size_t used, wanted; uint8_t *buffer; };

static char **requests;
static int count;
static long replies, bytes;
static struct latencies latencies;

static void request(struct fetcher *fetcher) {
  static int turn;
  const char *text = requests[turn++ % count];
  fetcher->used = fetcher->wanted = 0;
  fetcher->begun = now();
  write_all(fetcher->descriptor, text, strlen(text));
}

// The length of a whole reply once its head is there.
static size_t reply_length(const uint8_t *reply, size_t used) {
  const uint8_t *end = memmem(reply, used, "\r\n\r\n", 4);
  if (!end) return 0;
  if (used < 12 || memcmp(reply + 8, " 200", 4)) { fprintf(stderr, "not answered: %.*s\n", (int)used, reply); exit(1); }
  for (const uint8_t *line = reply; line < end; line = (const uint8_t *)memmem(line, end + 2 - line, "\r\n", 2) + 2)
    if (!strncasecmp((const char *)line, "content-length:", 15)) return (end - reply) + 4 + atol((const char *)line + 15);
  fprintf(stderr, "a reply without a length\n");
  exit(1);
}

static void receive(struct fetcher *fetcher, double end) {
  ssize_t got = read(fetcher->descriptor, fetcher->buffer + fetcher->used, BUFFER - fetcher->used);
  if (got == 0 || fetcher->used == BUFFER) { fprintf(stderr, "closed by the server\n"); exit(1); }
  if (got < 0) return;
  fetcher->used += got;
  if (!fetcher->wanted) fetcher->wanted = reply_length(fetcher->buffer, fetcher->used);
  if (!fetcher->wanted || fetcher->used < fetcher->wanted) return;
  double time = now();
  add_latency(&latencies, time - fetcher->begun);
  replies++;
  bytes += fetcher->wanted;
  if (time < end) request(fetcher);
  else fetcher->wanted = 0;
}

int main(int argc, char **argv) {
  if (argc < 5) { fprintf(stderr, "usage: fetchers PORT N SECONDS PATH...\n"); return 2; }
  int n = atoi(argv[2]), poll = epoll_create1(0);
  count = argc - 4;
  requests = calloc(count, sizeof *requests);
  for (int index = 0; index < count; index++)
    if (asprintf(&requests[index], "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", argv[4 + index]) < 0) die("asprintf");
  struct fetcher *fetchers = calloc(n, sizeof *fetchers);
  for (int index = 0; index < n; index++) {
    fetchers[index].descriptor = connect_to(atoi(argv[1]));
    fetchers[index].buffer = malloc(BUFFER);
    set_nonblocking(fetchers[index].descriptor);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = index};
    epoll_ctl(poll, EPOLL_CTL_ADD, fetchers[index].descriptor, &event);
  }
  double start = now(), end = start + atof(argv[3]);
  for (int index = 0; index < n; index++) request(&fetchers[index]);
  while (now() < end) {
    struct epoll_event events[64];
    int ready = epoll_wait(poll, events, 64, 1000);
    for (int index = 0; index < ready; index++) receive(&fetchers[events[index].data.u32], end);
  }
  double seconds = now() - start;
  printf("{\"replies\": %ld, \"bytes\": %ld, \"seconds\": %.6f, \"per_second\": %.0f, \"p50_ms\": %.3f, \"p99_ms\": %.3f}\n",
    replies, bytes, seconds, replies / seconds, quantile(&latencies, 0.5), quantile(&latencies, 0.99));
  return 0;
}
