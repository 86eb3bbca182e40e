// Sends TOTAL messages over N palaver.v1 WebSockets, WINDOW of them unacknowledged on each, and counts the acks.
// usage: senders PORT PATH N TOTAL WINDOW BYTES|FILE [FIRST]
// PATH may hold one %d, which becomes the sender's number, from FIRST (0) on.
// FILE has texts, one a line, escaped as JSON wants it; they are sent in turn.
#include "sockets.h"

#define BUFFER 1048576

struct sender { int descriptor; size_t used; long sent, acked; double *times; uint8_t *buffer; };

static int by_value(const void *left, const void *right) {
  double difference = *(const double *)left - *(const double *)right;
  return difference < 0 ? -1 : difference > 0;
}

static char **texts;
static size_t text_count;

// The texts of a file, or one of so many bytes.
static void make_texts(const char *what) {
  size_t size = atoi(what), room = 1024;
  texts = malloc(room * sizeof *texts);
  if (size > 0) {
    texts[text_count++] = memset(calloc(size + 1, 1), 'a', size);
    for (size_t at = 7; at < size; at += 8) texts[0][at] = ' ';
    return;
  }
  FILE *file = fopen(what, "r");
  if (!file) die(what);
  char *line = NULL;
  for (ssize_t length; (length = getline(&line, &room, file)) > 0;) {
    line[length - 1] = 0;
    if (!(text_count & (text_count - 1))) texts = realloc(texts, (text_count + 1) * 2 * sizeof *texts);
    texts[text_count++] = strdup(line);
  }
}

static void send_one(struct sender *sender, int number) {
  static uint8_t frame[110000];
  static char payload[100000];
  static size_t turn;
  int count = snprintf(payload, sizeof payload, "{\"type\":\"send\",\"ref\":\"b%d-%d-%ld\",\"text\":\"%s\"}",
    getpid(), number, sender->sent, texts[turn++ % text_count]);
  write_all(sender->descriptor, frame, client_frame(frame, payload, count));
  sender->times[sender->sent++] = now();
}

int main(int argc, char **argv) {
  if (argc < 7) { fprintf(stderr, "usage: senders PORT PATH N TOTAL WINDOW BYTES|FILE [FIRST]\n"); return 2; }
  int port = atoi(argv[1]), n = atoi(argv[3]), window = atoi(argv[5]);
  long each = atol(argv[4]) / n;
  make_texts(argv[6]);
  struct sender *senders = calloc(n, sizeof *senders);
  double *latencies = malloc(sizeof(double) * each * n);
  int poll = epoll_create1(0);
  for (int index = 0; index < n; index++) {
    char path[1024];
    snprintf(path, sizeof path, argv[2], index + (argc > 7 ? atoi(argv[7]) : 0));
    struct sender *sender = &senders[index];
    sender->descriptor = open_websocket(port, path, "palaver.v1");
    sender->times = malloc(sizeof(double) * (each + 1));
    sender->buffer = malloc(BUFFER);
    set_nonblocking(sender->descriptor);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = index};
    epoll_ctl(poll, EPOLL_CTL_ADD, sender->descriptor, &event);
  }
  double start = now();
  for (int index = 0; index < n; index++)
    while (senders[index].sent < each && senders[index].sent < window) send_one(&senders[index], index);
  long acked = 0, errors = 0;
  while (acked + errors < each * n) {
    struct epoll_event events[256];
    int ready = epoll_wait(poll, events, 256, 20000);
    if (ready <= 0) { fprintf(stderr, "only %ld of %ld acks came\n", acked, each * n); return 1; }
    for (int turn = 0; turn < ready; turn++) {
      int index = events[turn].data.u32;
      struct sender *sender = &senders[index];
      ssize_t got = read(sender->descriptor, sender->buffer + sender->used, BUFFER - sender->used);
      if (got == 0) { fprintf(stderr, "closed by the server\n"); return 1; }
      if (got < 0) continue;
      size_t used = sender->used + got, at = 0, header, length;
      while ((length = frame_length(sender->buffer + at, used - at, &header)) > 0) {
        const char *payload = (const char *)sender->buffer + at + header;
        if (length - header > 13 && !memcmp(payload, "{\"type\":\"ack\"", 13)) {
          latencies[acked++] = now() - sender->times[sender->acked++];
          if (sender->sent < each) send_one(sender, index);
        } else if (length - header > 15 && !memcmp(payload, "{\"type\":\"error\"", 15)) {
          if (errors++ == 0) fprintf(stderr, "%.*s\n", (int)(length - header), payload);
          sender->acked++;
        }
        at += length;
      }
      memmove(sender->buffer, sender->buffer + at, used - at);
      sender->used = used - at;
    }
  }
  double seconds = now() - start;
  qsort(latencies, acked, sizeof(double), by_value);
  printf("{\"acked\": %ld, \"errors\": %ld, \"seconds\": %.6f, \"per_second\": %.0f, \"p50_ms\": %.3f, \"p99_ms\": %.3f}\n",
    acked, errors, seconds, acked / seconds, latencies[acked / 2] * 1e3, latencies[(long)(acked * 0.99)] * 1e3);
  return errors > 0;
}
