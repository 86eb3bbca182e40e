// The limit that durable sends are measured against: the journal's transaction written by hand, in batches, on its own
// tables of the same shape. One thread a lane.
// usage: journal_by_hand HOST PORT USER PASSWORD DATABASE THREADS EVENTS BATCH BYTES
#include <mariadb/mysql.h>
#include <pthread.h>
#include "sockets.h"

static char **arguments;
static long events;
static int batch, bytes;

static void run_bytes(MYSQL *mysql, const char *sql, size_t count) {
  if (mysql_real_query(mysql, sql, count)) { fprintf(stderr, "%s\n", mysql_error(mysql)); exit(1); }
  do {
    MYSQL_RES *result = mysql_store_result(mysql);
    if (result) mysql_free_result(result);
    else if (mysql_errno(mysql)) { fprintf(stderr, "%s\n", mysql_error(mysql)); exit(1); }
  } while (mysql_next_result(mysql) == 0);
}

static void run(MYSQL *mysql, const char *sql) { run_bytes(mysql, sql, strlen(sql)); }

static MYSQL *open_connection(void) {
  MYSQL *mysql = mysql_init(NULL);
  if (!mysql_real_connect(mysql, arguments[1], arguments[3], arguments[4], arguments[5], atoi(arguments[2]), NULL,
      CLIENT_MULTI_STATEMENTS)) { fprintf(stderr, "%s\n", mysql_error(mysql)); exit(1); }
  return mysql;
}

static void *write_lane(void *argument) {
  long lane = (long)argument, position = 0;
  MYSQL *mysql = open_connection();
  run(mysql, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
  char *sql = malloc((size_t)batch * (bytes + 512) + 4096), *text = malloc(bytes + 1);
  memset(text, 'a', bytes);
  text[bytes] = 0;
  while (position < events) {
    // What the journal must read under the lock: lane and room; then the refs; then everything else at once.
    size_t count = sprintf(sql, "BEGIN; SELECT head FROM hand_lanes WHERE lane = %ld FOR UPDATE SKIP LOCKED; "
      "SELECT last_event, last_seq FROM hand_positions WHERE room_id = %ld FOR UPDATE; "
      "SELECT ref FROM hand_journal WHERE room_id = %ld AND user_id = 1 AND ref IN (", lane, lane, lane);
    for (int index = 0; index < batch; index++)
      count += sprintf(sql + count, "%s'r%ld'", index ? "," : "", position + index);
    count += sprintf(sql + count, ")");
    run_bytes(mysql, sql, count);
    count = sprintf(sql, "INSERT INTO hand_journal VALUES ");
    for (int index = 0; index < batch; index++) {
      long event = position + index + 1;
      count += sprintf(sql + count, "%s(%ld,%ld,%ld,%ld,%ld,%ld,1,%ld,1,'bench','r%ld',1,1,NULL,NULL,'1',1,%ld,'%s',NULL)",
        index ? "," : "", lane, event, lane, event, event, event, event, position + index, event, text);
    }
    position += batch;
    count += sprintf(sql + count, "; UPDATE hand_positions SET last_event = %ld, last_seq = %ld WHERE room_id = %ld; "
      "UPDATE hand_lanes SET head = %ld WHERE lane = %ld; COMMIT", position, position, lane, position, lane);
    run_bytes(mysql, sql, count);
  }
  mysql_close(mysql);
  return NULL;
}

int main(int argc, char **argv) {
  if (argc < 10) {
    fprintf(stderr, "usage: journal_by_hand HOST PORT USER PASSWORD DATABASE THREADS EVENTS BATCH BYTES\n");
    return 2;
  }
  arguments = argv;
  int threads = atoi(argv[6]);
  events = atol(argv[7]) / threads;
  batch = atoi(argv[8]);
  bytes = atoi(argv[9]);
  mysql_library_init(0, NULL, NULL);
  MYSQL *mysql = open_connection();
  const char *schema = "DROP TABLE IF EXISTS hand_journal, hand_lanes, hand_positions; "
    "CREATE TABLE hand_lanes (lane INT PRIMARY KEY, head BIGINT NOT NULL) ENGINE=InnoDB; "
    "CREATE TABLE hand_positions (room_id BIGINT PRIMARY KEY, last_event BIGINT NOT NULL, last_seq BIGINT NOT NULL) ENGINE=InnoDB; "
    "CREATE TABLE hand_journal LIKE journal";
  run(mysql, schema);
  for (int lane = 0; lane < threads; lane++) {
    char sql[256];
    run_bytes(mysql, sql, sprintf(sql, "INSERT INTO hand_lanes VALUES (%d, 0); INSERT INTO hand_positions VALUES (%d, 0, 0)", lane, lane));
  }
  pthread_t ids[64];
  double start = now();
  for (long lane = 0; lane < threads; lane++) pthread_create(&ids[lane], NULL, write_lane, (void *)lane);
  for (int lane = 0; lane < threads; lane++) pthread_join(ids[lane], NULL);
  double seconds = now() - start;
  run(mysql, "DROP TABLE hand_journal, hand_lanes, hand_positions");
  printf("{\"events\": %ld, \"seconds\": %.6f, \"per_second\": %.0f}\n", events * threads, seconds, events * threads / seconds);
  return 0;
}
