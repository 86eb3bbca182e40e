// The limit that durable sends are measured against: the journal's transaction written by hand, in batches, on its own
// tables of the same shape. One thread a lane. The statements are those of the server, in the same requests: what is not
// here is clients, JSON, order and answers.
// usage: journal_by_hand HOST PORT USER PASSWORD DATABASE THREADS EVENTS BATCH BYTES
#include <mariadb/mysql.h>
#include <pthread.h>
#include "sockets.h"

// Who the messages of a batch are from, in turn.
#define USERS 20

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

// The columns of the journal in order; N an integer, T a text, 0 one that is NULL here.
#define COLUMNS 20
static const char kinds[COLUMNS + 1] = "NNNNNNNNNTTNN00TNNT0";

static void fail(MYSQL_STMT *statement) { fprintf(stderr, "%s\n", mysql_stmt_error(statement)); exit(1); }

// The rows of a batch as arguments of one prepared statement: for each column its values, lengths and indicators.
struct rows {
  MYSQL_STMT *statement;
  MYSQL_BIND binds[COLUMNS];
  long *integers[COLUMNS];
  char **texts[COLUMNS];
  unsigned long *lengths[COLUMNS];
  char *indicators[COLUMNS], (*refs)[32], (*users)[16];
};

static struct rows prepare_rows(MYSQL *mysql) {
  struct rows rows = {.statement = mysql_stmt_init(mysql)};
  char sql[256];
  int count = sprintf(sql, "INSERT INTO hand_journal VALUES (");
  for (int column = 0; column < COLUMNS; column++) count += sprintf(sql + count, "%s", column ? ", ?" : "?");
  count += sprintf(sql + count, ")");
  if (mysql_stmt_prepare(rows.statement, sql, count)) fail(rows.statement);
  rows.refs = calloc(batch, sizeof *rows.refs);
  rows.users = calloc(batch, sizeof *rows.users);
  for (int column = 0; column < COLUMNS; column++) {
    MYSQL_BIND *bind = &rows.binds[column];
    rows.integers[column] = calloc(batch, sizeof(long));
    rows.texts[column] = calloc(batch, sizeof(char *));
    rows.lengths[column] = calloc(batch, sizeof(unsigned long));
    rows.indicators[column] = malloc(batch);
    memset(rows.indicators[column], kinds[column] == '0' ? STMT_INDICATOR_NULL : STMT_INDICATOR_NONE, batch);
    bind->u.indicator = rows.indicators[column];
    bind->length = rows.lengths[column];
    bind->buffer_type = kinds[column] == 'N' ? MYSQL_TYPE_LONGLONG : MYSQL_TYPE_STRING;
    bind->buffer = kinds[column] == 'N' ? (void *)rows.integers[column] : (void *)rows.texts[column];
  }
  return rows;
}

static void set_text(struct rows *rows, int column, int row, char *text, size_t count) {
  rows->texts[column][row] = text;
  rows->lengths[column][row] = count;
}

static void insert_rows(struct rows *rows, long lane, long position, char *text) {
  for (int row = 0; row < batch; row++) {
    long event = position + row + 1, user = row % USERS + 1;
    long values[COLUMNS] = {lane, event, lane, event, event, event, 1, event, user, 0, 0, 1700000000000, 1700000000000,
      0, 0, 0, 1, event * 0x9E3779B97F4A7C15, 0, 0};
    for (int column = 0; column < COLUMNS; column++) rows->integers[column][row] = values[column];
    set_text(rows, 9, row, rows->users[row], sprintf(rows->users[row], "bench%ld", user));
    set_text(rows, 10, row, rows->refs[row], sprintf(rows->refs[row], "b%d-%ld-%ld", getpid(), user, event));
    set_text(rows, 15, row, "1", 1);
    set_text(rows, 18, row, text, bytes);
  }
  unsigned int size = batch;
  mysql_stmt_attr_set(rows->statement, STMT_ATTR_ARRAY_SIZE, &size);
  if (mysql_stmt_bind_param(rows->statement, rows->binds) || mysql_stmt_execute(rows->statement)) fail(rows->statement);
}

static void *write_lane(void *argument) {
  long lane = (long)argument, position = 0;
  MYSQL *mysql = open_connection();
  run(mysql, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
  struct rows rows = prepare_rows(mysql);
  char *sql = malloc((size_t)batch * 64 + 4096), *text = malloc(bytes + 1);
  memset(text, 'a', bytes);
  text[bytes] = 0;
  while (position < events) {
    // What the journal must read under the lock: lane and room, then the refs; then the rows; then the counters.
    size_t count = sprintf(sql, "START TRANSACTION; "
      "SELECT lane, head FROM hand_lanes FORCE INDEX (PRIMARY) WHERE lane IN (%ld) FOR UPDATE SKIP LOCKED; "
      "SELECT room_id, last_event, last_seq, last_message_at, is_closed, import_id FROM hand_positions "
      "WHERE room_id IN (%ld); SELECT hand_journal.* FROM JSON_TABLE('[", lane, lane);
    for (int row = 0; row < batch; row++) {
      long event = position + row + 1, user = row % USERS + 1;
      count += sprintf(sql + count, "%s[%ld,%ld,\"b%d-%ld-%ld\"]", row ? "," : "", lane, user, getpid(), user, event);
    }
    count += sprintf(sql + count, "]', '$[*]' COLUMNS (asked_room BIGINT PATH '$[0]', asked_user BIGINT PATH '$[1]', "
      "asked_ref VARCHAR(64) CHARACTER SET binary PATH '$[2]')) AS asked "
      "STRAIGHT_JOIN hand_journal FORCE INDEX (journal_by_ref) "
      "ON room_id = asked_room AND user_id = asked_user AND ref = asked_ref WHERE kind = 1");
    run_bytes(mysql, sql, count);
    insert_rows(&rows, lane, position, text);
    position += batch;
    count = sprintf(sql, "INSERT INTO hand_lanes (lane, head) VALUES (%ld, %ld) "
      "ON DUPLICATE KEY UPDATE head = VALUES(head); INSERT INTO hand_positions "
      "(room_id, epoch, last_event, last_seq, last_message_at, import_id) VALUES (%ld, '', %ld, %ld, 1700000000000, %ld) "
      "ON DUPLICATE KEY UPDATE last_event = IF(hand_positions.import_id IS NULL AND "
      "hand_positions.last_event = VALUES(import_id), VALUES(last_event), NULL), last_seq = VALUES(last_seq), "
      "last_message_at = VALUES(last_message_at); COMMIT", lane, position, lane, position, position, position - batch);
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
  run(mysql, "DROP TABLE IF EXISTS hand_journal, hand_lanes, hand_positions; CREATE TABLE hand_lanes LIKE journal_lanes; "
    "CREATE TABLE hand_positions LIKE room_positions; CREATE TABLE hand_journal LIKE journal");
  for (int lane = 0; lane < threads; lane++) {
    char sql[256];
    run_bytes(mysql, sql, sprintf(sql, "INSERT INTO hand_lanes (lane) VALUES (%d); "
      "INSERT INTO hand_positions (room_id, epoch) VALUES (%d, 'k1')", lane, lane));
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
