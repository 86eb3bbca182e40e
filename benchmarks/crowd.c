// Opens many palaver.v1 connections of some rooms each, and sends messages into all of them.
// usage: crowd PORT SOCKETS EACH USERS FIRST ROOMS     rooms are FIRST … FIRST + ROOMS - 1, users bench0 … bench<USERS - 1>
// Prints "ready" once all have joined; then, for each line "COUNT RATE" on standard input, sends so many messages at that
// rate, waits until every delivery has come, and prints a line of JSON.
#include "chat.h"

static struct peer *peers;
static struct latencies latencies;
static int sockets, each, rooms, port, poll_descriptor;
static long first, ready, acks, deliveries;

static int begins(const uint8_t *payload, size_t count, const char *what) {
  return count >= strlen(what) && !memcmp(payload, what, strlen(what));
}

static void handle(struct peer *peer, const uint8_t *bytes, size_t length) {
  (void)peer;
  size_t header = 2 + (bytes[1] == 126 ? 2 : bytes[1] == 127 ? 8 : 0), count = length - header;
  const uint8_t *payload = bytes + header;
  if (begins(payload, count, "{\"type\":\"message\"")) {
    double due = read_mark(payload, count);
    deliveries++;
    if (due > 0) add_latency(&latencies, now() - due);
  } else if (begins(payload, count, "{\"type\":\"ack\"")) acks++;
  else if (begins(payload, count, "{\"type\":\"ready\"")) ready++;
  else if (begins(payload, count, "{\"type\":\"error\"")) { fprintf(stderr, "%.*s\n", (int)count, payload); exit(1); }
}

static long room_of(int socket, int number) { return first + ((long)socket * each + number) % rooms; }

static void say(struct peer *peer, const char *payload, int count) {
  uint8_t frame[1024];
  write_all(peer->descriptor, frame, client_frame(frame, payload, count));
}

static void join_rooms(int socket) {
  for (int number = 0; number < each; number++) {
    char payload[128];
    say(&peers[socket], payload, snprintf(payload, sizeof payload,
      "{\"type\":\"join\",\"ref\":\"j%d\",\"room\":%ld,\"limit\":1}", number, room_of(socket, number)));
  }
}

static void turn(int milliseconds) {
  struct epoll_event events[512];
  int count = epoll_wait(poll_descriptor, events, 512, milliseconds);
  for (int index = 0; index < count; index++) {
    int socket = events[index].data.u32, was_joined = is_joined(&peers[socket]);
    if (events[index].events & EPOLLOUT) {
      struct epoll_event event = {.events = EPOLLIN, .data.u32 = socket};
      epoll_ctl(poll_descriptor, EPOLL_CTL_MOD, peers[socket].descriptor, &event);
      take_step(&peers[socket]);
    } else read_peer(&peers[socket], RAW, handle);
    if (!was_joined && is_joined(&peers[socket])) join_rooms(socket);
  }
}

// Waits for something that grows; ends the program if it stands still for 30 seconds.
static void wait_for(const char *what, long *count, long wanted) {
  long seen = -1;
  double since = now();
  while (*count < wanted) {
    turn(100);
    if (*count != seen) { seen = *count; since = now(); }
    if (now() - since > 30) { fprintf(stderr, "only %ld of %ld %s came\n", *count, wanted, what); exit(1); }
  }
}

static void connect_all(int users) {
  for (int socket = 0; socket < sockets; socket++) {
    char path[64];
    snprintf(path, sizeof path, "/v1/connect?user=bench%d", socket % users);
    prepare(&peers[socket], RAW, path, "", 0);
    begin_connection(&peers[socket], port);
    struct epoll_event event = {.events = EPOLLOUT, .data.u32 = socket};
    epoll_ctl(poll_descriptor, EPOLL_CTL_ADD, peers[socket].descriptor, &event);
    // Not more than a few hundred joins under way.
    if (socket % 100 == 99) wait_for("joins", &ready, (long)(socket - 99) * each);
  }
  wait_for("joins", &ready, (long)sockets * each);
}

static void send_one(long number, double due) {
  int socket = rand() % sockets;
  char payload[512], text[101];
  memset(text, 'a', 100);
  text[100] = 0;
  write_mark(text, due);
  say(&peers[socket], payload, snprintf(payload, sizeof payload,
    "{\"type\":\"send\",\"ref\":\"c%d-%ld\",\"room\":%ld,\"text\":\"%s\"}", getpid(), number, room_of(socket, rand() % each), text));
}

static void load(long count, double rate) {
  static long number;
  long wanted = deliveries + count * sockets * each / rooms, wanted_acks = acks + count;
  memset(&latencies, 0, sizeof latencies);
  double start = now();
  for (long sent = 0; sent < count;) {
    long due = (long)((now() - start) * rate) + 1;
    for (; sent < due && sent < count; sent++) send_one(number++, start + sent / rate);
    turn(1);
  }
  wait_for("acknowledgements", &acks, wanted_acks);
  wait_for("deliveries", &deliveries, wanted);
  printf("{\"events\": %ld, \"deliveries\": %ld, \"seconds\": %.6f, \"p50_ms\": %.3f, \"p99_ms\": %.3f}\n",
    count, latencies.total, now() - start, quantile(&latencies, 0.5), quantile(&latencies, 0.99));
}

int main(int argc, char **argv) {
  if (argc < 7) { fprintf(stderr, "usage: crowd PORT SOCKETS EACH USERS FIRST ROOMS\n"); return 2; }
  port = atoi(argv[1]), sockets = atoi(argv[2]), each = atoi(argv[3]), first = atol(argv[5]), rooms = atoi(argv[6]);
  peers = calloc(sockets, sizeof *peers);
  poll_descriptor = epoll_create1(0);
  connect_all(atoi(argv[4]));
  printf("ready\n");
  fflush(stdout);
  char line[64];
  while (fgets(line, sizeof line, stdin)) {
    char *rest;
    long count = strtol(line, &rest, 10);
    load(count, strtod(rest, NULL));
    fflush(stdout);
  }
  return 0;
}
