// Opens N WebSockets and counts the frames that arrive until each has had COUNT of them.
// usage: readers PORT PATH N COUNT [hold]      PATH may hold one %d, which becomes the reader's number
// Prints "ready" once all are open (and waits for "go" where `hold` is given), then one JSON line.
#include "sockets.h"

#define BUFFER 262144

struct reader { int descriptor; size_t used; long frames; uint8_t *buffer; };

int main(int argc, char **argv) {
  if (argc < 5) { fprintf(stderr, "usage: readers PORT PATH N COUNT [hold]\n"); return 2; }
  int port = atoi(argv[1]), n = atoi(argv[3]), hold = argc > 5;
  long count = atol(argv[4]);
  struct reader *readers = calloc(n, sizeof *readers);
  int poll = epoll_create1(0);
  static uint8_t shared[BUFFER];
  for (int index = 0; index < n; index++) {
    char path[1024];
    snprintf(path, sizeof path, argv[2], index);
    readers[index].descriptor = open_websocket(port, path, NULL);
    set_nonblocking(readers[index].descriptor);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = index};
    epoll_ctl(poll, EPOLL_CTL_ADD, readers[index].descriptor, &event);
  }
  printf("ready\n");
  fflush(stdout);
  if (hold) { char line[8]; if (!fgets(line, sizeof line, stdin)) return 0; }
  long total = 0, bytes = 0, wanted = count * n;
  double first = 0, last = 0;
  while (total < wanted) {
    struct epoll_event events[256];
    int ready = epoll_wait(poll, events, 256, 20000);
    if (ready <= 0) { fprintf(stderr, "only %ld of %ld frames came\n", total, wanted); return 1; }
    for (int index = 0; index < ready; index++) {
      struct reader *reader = &readers[events[index].data.u32];
      // What is left of a frame is kept for its reader alone; most reads end with a whole frame.
      if (reader->used) memcpy(shared, reader->buffer, reader->used);
      ssize_t got = read(reader->descriptor, shared + reader->used, BUFFER - reader->used);
      if (got == 0) { fprintf(stderr, "closed by the server\n"); return 1; }
      if (got < 0) continue;
      if (first == 0) first = now();
      bytes += got;
      size_t used = reader->used + got, at = 0, header, length;
      while ((length = frame_length(shared + at, used - at, &header)) > 0) {
        if ((shared[at] & 15) == 1) { reader->frames++; total++; }
        at += length;
      }
      reader->used = used - at;
      if (reader->used) {
        reader->buffer = realloc(reader->buffer, reader->used);
        memcpy(reader->buffer, shared + at, reader->used);
      }
    }
    last = now();
  }
  printf("{\"frames\": %ld, \"bytes\": %ld, \"seconds\": %.6f, \"frames_per_second\": %.0f}\n", total, bytes,
    last - first, total / (last - first));
  return 0;
}
