// Opens N connections to a room and counts the messages that arrive until each has had COUNT of them.
// usage: readers raw|xmpp|frames PORT TARGET N COUNT [storm]
// TARGET is the path of a join (one %d in it becomes the reader's number) or, for xmpp, a room's name (users are bench0,
// bench1, …). Prints "ready" once all have joined, then one JSON line. With `storm` everybody joins at once when a line
// comes on standard input, and what counts is what the room plays back; XMPP's sessions are there before that.
#include "chat.h"

static struct latencies latencies;
static long total, wanted_of_each, done;

static void count(struct peer *peer, const uint8_t *bytes, size_t length) {
  total++;
  if (peer->messages == wanted_of_each) done++;
  double due = read_mark(bytes, length);
  if (due > 0) add_latency(&latencies, now() - due);
}

struct crowd { struct peer *peers; int n, begun, joined, poll, port; enum protocol protocol; };

static void begin(struct crowd *crowd, int index) {
  begin_connection(&crowd->peers[index], crowd->port);
  struct epoll_event event = {.events = EPOLLOUT, .data.u32 = index};
  epoll_ctl(crowd->poll, EPOLL_CTL_ADD, crowd->peers[index].descriptor, &event);
  crowd->begun++;
}

// One turn of the loop; returns the bytes that came.
static size_t turn(struct crowd *crowd) {
  struct epoll_event events[512];
  int ready = epoll_wait(crowd->poll, events, 512, 30000);
  if (ready < 0 && errno == EINTR) return 0;
  if (ready <= 0) {
    fprintf(stderr, "nothing came for 30 s: %d joined, %ld messages, %ld of %d have all\n", crowd->joined, total, done, crowd->n);
    exit(1);
  }
  size_t bytes = 0;
  for (int index = 0; index < ready; index++) {
    struct peer *peer = &crowd->peers[events[index].data.u32];
    int was_joined = is_joined(peer);
    if (events[index].events & EPOLLOUT) {
      struct epoll_event event = {.events = EPOLLIN, .data.u32 = events[index].data.u32};
      epoll_ctl(crowd->poll, EPOLL_CTL_MOD, peer->descriptor, &event);
      take_step(peer);
    } else bytes += read_peer(peer, crowd->protocol, count);
    if (!was_joined && is_joined(peer)) crowd->joined++;
  }
  return bytes;
}

static void prepare_all(struct crowd *crowd, const char *target, int history) {
  for (int index = 0; index < crowd->n; index++) {
    char path[1024], user[32];
    snprintf(path, sizeof path, target, index);
    snprintf(user, sizeof user, "bench%d", index);
    prepare(&crowd->peers[index], crowd->protocol, path, user, history);
  }
}

// Everyone connects, not more than 256 at once, and goes through the script.
static void join_all(struct crowd *crowd) {
  while (crowd->joined < crowd->n) {
    while (crowd->begun < crowd->n && crowd->begun - crowd->joined < 256) begin(crowd, crowd->begun);
    turn(crowd);
  }
}

static void ready_and_wait(int is_waiting) {
  printf("ready\n");
  fflush(stdout);
  char line[8];
  if (is_waiting && !fgets(line, sizeof line, stdin)) exit(0);
}

// The last step of each is held back until a line comes; for WebSockets that is the connection itself.
static double storm(struct crowd *crowd) {
  int is_session = crowd->protocol == XMPP;
  if (is_session) {
    for (int index = 0; index < crowd->n; index++) crowd->peers[index].steps--;
    join_all(crowd);
  }
  ready_and_wait(1);
  double start = now();
  for (int index = 0; index < crowd->n; index++) {
    if (is_session) { crowd->peers[index].steps++; take_step(&crowd->peers[index]); }
    else begin(crowd, index);
  }
  return start;
}

int main(int argc, char **argv) {
  if (argc < 6) { fprintf(stderr, "usage: readers raw|xmpp|frames PORT TARGET N COUNT [storm]\n"); return 2; }
  struct crowd crowd = {.protocol = protocol_named(argv[1]), .port = atoi(argv[2]), .n = atoi(argv[4]), .poll = epoll_create1(0)};
  wanted_of_each = atol(argv[5]);
  int is_storm = argc > 6;
  crowd.peers = calloc(crowd.n, sizeof *crowd.peers);
  prepare_all(&crowd, argv[3], is_storm ? (int)wanted_of_each : 0);
  double start = 0;
  if (is_storm) start = storm(&crowd);
  else { join_all(&crowd); ready_and_wait(0); }
  size_t bytes = 0;
  while (done < crowd.n) {
    size_t came = turn(&crowd);
    if (start == 0 && came) start = now();
    bytes += came;
  }
  double seconds = now() - start;
  printf("{\"messages\": %ld, \"bytes\": %zu, \"seconds\": %.6f, \"per_second\": %.0f, \"p50_ms\": %.3f, \"p99_ms\": %.3f}\n",
    total, bytes, seconds, total / seconds, quantile(&latencies, 0.5), quantile(&latencies, 0.99));
  return 0;
}
