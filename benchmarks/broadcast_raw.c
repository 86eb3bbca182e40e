// The limit that a broadcast is measured against: one publisher's WebSocket frames go to N sockets as they are, by epoll
// and writev, without protocol, order or storage. What was read in one turn is written in one call a socket.
// usage: broadcast_raw PORT N         the first N connections read, the next one publishes unmasked frames
//                                      and reads too
#include "sockets.h"

#define CHUNK 262144

struct peer { int descriptor; uint8_t *pending; size_t count; };

static void handshake(int descriptor) {
  char head[4096];
  size_t count = 0;
  while (count < 4 || memcmp(head + count - 4, "\r\n\r\n", 4))
    if (count >= sizeof head || read(descriptor, head + count++, 1) != 1) die("handshake");
  const char *reply = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
  write_all(descriptor, reply, strlen(reply));
}

int main(int argc, char **argv) {
  if (argc < 3) { fprintf(stderr, "usage: broadcast_raw PORT N\n"); return 2; }
  int listener = listen_on(atoi(argv[1])), n = atoi(argv[2]);
  struct peer *peers = calloc(n + 1, sizeof *peers);
  int poll = epoll_create1(0);
  printf("listening\n");
  fflush(stdout);
  for (int index = 0; index <= n; index++) {
    peers[index].descriptor = accept(listener, NULL, NULL);
    handshake(peers[index].descriptor);
    set_nonblocking(peers[index].descriptor);
  }
  int publisher = peers[n].descriptor;
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = n + 1};
  epoll_ctl(poll, EPOLL_CTL_ADD, publisher, &event);
  static uint8_t chunk[CHUNK];
  while (1) {
    struct epoll_event events[256];
    int ready = epoll_wait(poll, events, 256, -1);
    for (int turn = 0; turn < ready; turn++) {
      if ((int)events[turn].data.u32 == n + 1) {
        ssize_t got = read(publisher, chunk, CHUNK);
        if (got < 0) continue;
        if (got == 0) { sleep(1); return 0; }
        for (int index = 0; index <= n; index++) {
          struct peer *peer = &peers[index];
          ssize_t written = 0;
          struct iovec vector = {chunk, got};
          if (peer->count == 0) written = writev(peer->descriptor, &vector, 1);
          if (written < 0) written = 0;
          if (written < got) {
            if (peer->count == 0) {
              struct epoll_event wait = {.events = EPOLLOUT, .data.u32 = index};
              epoll_ctl(poll, EPOLL_CTL_ADD, peer->descriptor, &wait);
            }
            peer->pending = realloc(peer->pending, peer->count + got - written);
            memcpy(peer->pending + peer->count, chunk + written, got - written);
            peer->count += got - written;
          }
        }
      } else {
        struct peer *peer = &peers[events[turn].data.u32];
        ssize_t written = write(peer->descriptor, peer->pending, peer->count);
        if (written <= 0) continue;
        memmove(peer->pending, peer->pending + written, peer->count - written);
        peer->count -= written;
        if (peer->count == 0) epoll_ctl(poll, EPOLL_CTL_DEL, peer->descriptor, NULL);
      }
    }
  }
}
