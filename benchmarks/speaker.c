// Sends COUNT messages to a room over one connection and waits until all of them have come back to it.
// usage: speaker raw|xmpp|frames PORT TARGET COUNT BYTES WINDOW [RATE]
// WINDOW of them are under way at once; with RATE they are due at even intervals, and carry the moment at which they were.
// `frames` sends BYTES of payload as unmasked frames, for broadcast_raw.
#include "chat.h"

static enum protocol protocol;
static const char *room;
static size_t size;

static void ignore(struct peer *peer, const uint8_t *bytes, size_t count) { (void)peer, (void)bytes, (void)count; }

// A message of `size` bytes, behind `to`; returns its end.
static char *write_message(char *to, long number, double due) {
  char text[17000];
  memset(text, 'a', size);
  for (size_t at = 7; at < size; at += 8) text[at] = ' ';
  text[size] = 0;
  if (due > 0 && size >= 18) write_mark(text, due);
  if (protocol == XMPP)
    return to + sprintf(to, "<message type='groupchat' to='%s@conference.localhost' id='m%ld'><body>%s</body></message>", room, number, text);
  if (protocol == RAW) return to + client_frame((uint8_t *)to, text, size);
  return to + server_frame((uint8_t *)to, text, size);
}

static void send_messages(struct peer *peer, long from, long until, double start, double rate) {
  if (until <= from) return;
  char *batch = malloc((until - from) * (size + 300)), *end = batch;
  for (long number = from; number < until; number++) end = write_message(end, number, rate > 0 ? start + number / rate : 0);
  write_all(peer->descriptor, batch, end - batch);
  free(batch);
}

static void join(struct peer *peer, int port, const char *target) {
  prepare(peer, protocol, target, "sender", 0);
  peer->descriptor = connect_to(port);
  take_step(peer);
  while (!is_joined(peer)) read_peer(peer, protocol, ignore);
  set_nonblocking(peer->descriptor);
}

// The last message that may be sent now.
static long allowed(const struct peer *peer, long count, long window, double start, double rate) {
  long allowed = peer->messages + window, due = (long)((now() - start) * rate) + 1;
  if (rate > 0 && due < allowed) allowed = due;
  return allowed < count ? allowed : count;
}

int main(int argc, char **argv) {
  if (argc < 7) { fprintf(stderr, "usage: speaker raw|xmpp|frames PORT TARGET COUNT BYTES WINDOW [RATE]\n"); return 2; }
  protocol = protocol_named(argv[1]);
  room = argv[3];
  size = atoi(argv[5]);
  long count = atol(argv[4]), window = atol(argv[6]), sent = 0;
  double rate = argc > 7 ? atof(argv[7]) : 0, start, last = 0;
  struct peer peer;
  join(&peer, atoi(argv[2]), argv[3]);
  struct pollfd poll_for = {.fd = peer.descriptor, .events = POLLIN};
  start = last = now();
  while (peer.messages < count) {
    long until = allowed(&peer, count, window, start, rate);
    send_messages(&peer, sent, until, start, rate);
    if (until > sent) sent = until;
    if (poll(&poll_for, 1, rate > 0 && sent < count ? 1 : 1000) > 0 && read_peer(&peer, protocol, ignore)) last = now();
    if (now() - last > 30) { fprintf(stderr, "only %ld of %ld messages came back\n", peer.messages, count); return 1; }
  }
  double seconds = now() - start;
  printf("{\"sent\": %ld, \"seconds\": %.6f, \"per_second\": %.0f}\n", count, seconds, count / seconds);
  return 0;
}
