// Chat as different servers speak it: Palaver's raw WebSocket protocol, XMPP (MUC over plain TCP), and bare WebSocket
// frames for the raw broadcast. A connection goes through steps (say this, wait for that); then messages come.
#pragma once
#include "sockets.h"
#include "marks.h"

#define CHUNK 262144
#define MOST_STEPS 5

enum protocol { RAW, XMPP, FRAMES };

struct step { char *say; const char *wait; };

struct peer {
  int descriptor;
  int step, steps;                 // the step whose answer it waits for; how many there are
  struct step script[MOST_STEPS];
  size_t used;                     // bytes of something that is not whole yet
  uint8_t *left;
  long messages;
};

static inline enum protocol protocol_named(const char *name) {
  if (!strcmp(name, "raw")) return RAW;
  if (!strcmp(name, "xmpp")) return XMPP;
  if (!strcmp(name, "frames")) return FRAMES;
  fprintf(stderr, "unknown protocol %s: raw, xmpp or frames\n", name);
  exit(2);
}

static inline char *formatted(const char *format, ...) {
  va_list arguments;
  char *text = NULL;
  va_start(arguments, format);
  if (vasprintf(&text, format, arguments) < 0) die("vasprintf");
  va_end(arguments);
  return text;
}

static inline void add_step(struct peer *peer, char *say, const char *wait) {
  peer->script[peer->steps++] = (struct step){say, wait};
}

static inline void script_websocket(struct peer *peer, const char *path) {
  const char *protocol = strncmp(path, "/v1/connect", 11) ? "" : "Sec-WebSocket-Protocol: palaver.v1\r\n";
  add_step(peer, formatted("GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n", path, protocol), "\r\n\r\n");
}

// With `history` the join is the last step and is not waited for: what the room plays back counts as messages.
static inline void script_xmpp(struct peer *peer, const char *room, const char *user, int history) {
  const char *stream = "<stream:stream to='localhost' xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";
  char plain[256], encoded[512];
  int count = snprintf(plain, sizeof plain, "%c%s%csecret", 0, user, 0);
  base64(encoded, (uint8_t *)plain, count);
  add_step(peer, strdup(stream), "</stream:features>");
  add_step(peer, formatted("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>%s</auth>", encoded), "<success");
  add_step(peer, strdup(stream), "</stream:features>");
  add_step(peer, formatted("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
    "<resource>r</resource></bind></iq>"), "</iq>");
  add_step(peer, formatted("<presence to='%s@conference.localhost/%s'><x xmlns='http://jabber.org/protocol/muc'>"
    "<history maxstanzas='%d'/></x></presence>", room, user, history), history ? NULL : "<subject");
}

// `target` is the path of a join, or a room's name; `user` is set by the path for WebSockets.
static inline void prepare(struct peer *peer, enum protocol protocol, const char *target, const char *user, int history) {
  memset(peer, 0, sizeof *peer);
  peer->descriptor = -1;
  if (protocol == XMPP) script_xmpp(peer, target, user, history);
  else script_websocket(peer, target);
}

static inline int is_joined(const struct peer *peer) { return peer->step >= peer->steps; }

// Says what the present step says; a step without an answer is over at once.
static inline void take_step(struct peer *peer) {
  while (peer->step < peer->steps) {
    struct step *step = &peer->script[peer->step];
    write_all(peer->descriptor, step->say, strlen(step->say));
    if (step->wait) return;
    peer->step++;
  }
}

// How far the first message reaches, from the beginning of what is there; 0 if it is not whole.
static inline size_t message_length(enum protocol protocol, const uint8_t *bytes, size_t count, int *is_message) {
  if (protocol == XMPP) {
    const uint8_t *end = memmem(bytes, count, "</body>", 7);
    *is_message = 1;
    return end ? (size_t)(end - bytes) + 7 : 0;
  }
  size_t header, length = frame_length(bytes, count, &header);
  *is_message = length && (bytes[0] & 15) == 1;
  if (length && (bytes[0] & 15) == 8) { fprintf(stderr, "the server closed a WebSocket\n"); exit(1); }
  return length;
}

static inline size_t answer_length(const struct peer *peer, const uint8_t *bytes, size_t count) {
  const char *wait = peer->script[peer->step].wait;
  const uint8_t *found = memmem(bytes, count, wait, strlen(wait));
  if (found && bytes[0] == 'H' && memcmp(bytes, "HTTP/1.1 101", 12)) {
    fprintf(stderr, "refused: %.*s\n", (int)count, bytes);
    exit(1);
  }
  return found ? (size_t)(found - bytes) + strlen(wait) : 0;
}

typedef void (*on_message)(struct peer *peer, const uint8_t *bytes, size_t count);

// Who never answers counts as gone after a minute.
static inline void answer_ping(struct peer *peer) {
  uint8_t pong[8];
  write_all(peer->descriptor, pong, client_frame_of(10, pong, "", 0));
}

// Reads what has come, goes on in the script, and hands over whole messages; returns the bytes read.
static inline size_t read_peer(struct peer *peer, enum protocol protocol, on_message handle) {
  static uint8_t bytes[CHUNK];
  if (peer->used) memcpy(bytes, peer->left, peer->used);
  ssize_t got = read(peer->descriptor, bytes + peer->used, CHUNK - peer->used);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  if (got <= 0) { fprintf(stderr, "closed by the server in step %d after %ld messages: %.*s\n", peer->step, peer->messages, (int)peer->used, bytes); exit(1); }
  size_t used = peer->used + got, at = 0, length;
  while (at < used && !is_joined(peer) && (length = answer_length(peer, bytes + at, used - at))) {
    at += length;
    peer->step++;
    take_step(peer);
  }
  int is_message = 0;
  while (at < used && is_joined(peer) && (length = message_length(protocol, bytes + at, used - at, &is_message))) {
    if (is_message) { peer->messages++; handle(peer, bytes + at, length); }
    else if (protocol == RAW && (bytes[at] & 15) == 9) answer_ping(peer);
    at += length;
  }
  peer->used = used - at;
  if (peer->used == CHUNK) { fprintf(stderr, "something without end came\n"); exit(1); }
  if (peer->used) {
    peer->left = realloc(peer->left, peer->used);
    memcpy(peer->left, bytes + at, peer->used);
  }
  return got;
}

// Begins a connection without waiting for it; its first words are due once it can be written to.
static inline void begin_connection(struct peer *peer, int port) {
  peer->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (peer->descriptor < 0) die("socket");
  int one = 1;
  setsockopt(peer->descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(peer->descriptor, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) die("connect");
}
