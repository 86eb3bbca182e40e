// Sends HTTP requests over N kept connections, each the next one as soon as its last was answered, and prints how many
// milliseconds each took. Replies are counted, not read: the same client for Palaver and for what it is measured against.
// usage: searchers PORT N REPEAT < REQUESTS     REQUESTS: a line with the bytes of a request, then these bytes, and so on
#include "sockets.h"
#include <pthread.h>

#define BUFFER (8 << 20)

struct request { size_t length; char *bytes; };
static struct request *requests;
static double *taken;
static long count, total;
static int port, clients;

static void fail(const char *what, const char *bytes, size_t length) {
  fprintf(stderr, "%s: %.*s\n", what, (int)(length > 500 ? 500 : length), bytes);
  exit(1);
}

// Reads one reply. The buffer ends with a zero.
static void reply(int descriptor, char *buffer) {
  size_t used = 0;
  char *end = NULL;
  long left = -1;
  for (;;) {
    ssize_t got = read(descriptor, buffer + used, BUFFER - 1 - used);
    if (got <= 0) fail("the connection ended", buffer, used);
    used += got;
    buffer[used] = 0;
    if (!end) {
      if (!(end = strstr(buffer, "\r\n\r\n"))) continue;
      end += 4;
      if (strncmp(buffer + 8, " 200 ", 5)) fail("not answered", buffer, used);
      for (char *line = buffer; line && line < end; line = strstr(line, "\r\n"), line = line ? line + 2 : NULL)
        if (!strncasecmp(line, "content-length:", 15)) left = atol(line + 15);
    }
    size_t body = buffer + used - end;
    if (left >= 0 ? body >= (size_t)left : body >= 5 && !memcmp(buffer + used - 5, "0\r\n\r\n", 5)) return;
  }
}

static void *client(void *argument) {
  long first = (long)argument;
  int descriptor = connect_to(port);
  char *buffer = malloc(BUFFER);
  for (long index = first; index < total; index += clients) {
    struct request *request = &requests[index % count];
    double start = now();
    write_all(descriptor, request->bytes, request->length);
    reply(descriptor, buffer);
    taken[index] = (now() - start) * 1e3;
  }
  close(descriptor);
  free(buffer);
  return NULL;
}

int main(int argc, char **argv) {
  if (argc < 4) { fprintf(stderr, "usage: searchers PORT N REPEAT < REQUESTS\n"); return 2; }
  port = atoi(argv[1]);
  clients = atoi(argv[2]);
  size_t length;
  while (scanf("%zu", &length) == 1) {
    getchar();
    requests = realloc(requests, (count + 1) * sizeof *requests);
    requests[count] = (struct request){length, malloc(length)};
    if (fread(requests[count].bytes, 1, length, stdin) != length) { fprintf(stderr, "a request is cut\n"); return 2; }
    count++;
  }
  total = count * atol(argv[3]);
  taken = calloc(total + 1, sizeof *taken);
  pthread_t *threads = calloc(clients, sizeof *threads);
  for (long index = 0; index < clients; index++) pthread_create(&threads[index], NULL, client, (void *)index);
  for (long index = 0; index < clients; index++) pthread_join(threads[index], NULL);
  printf("[");
  for (long index = 0; index < total; index++) printf("%s%.4f", index ? "," : "", taken[index]);
  printf("]\n");
  return 0;
}
