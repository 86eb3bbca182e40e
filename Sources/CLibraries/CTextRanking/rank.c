#include "CTextRanking.h"

#include <math.h>
#include <string.h>

/* FTS5's own bm25() takes a word that more than half of the messages hold for worth nothing (a millionth), so that a
 * small installation has no order but time; and it counts the rows of every phrase of a query, tags of rooms and
 * authors among them. Here the weight of a word falls but never to nothing, as Lucene's does, and only words that stand
 * in the first column are counted and weighed, against the length of that column. */

static const double k1 = 1.2;
static const double b = 0.75;

/* What is the same for all rows of a query. */
typedef struct {
  sqlite3_int64 rows;
  double average_length;
  int phrases;
  /* One for each phrase, below zero where it is not known yet; behind them as many counts for the row at hand. */
  double weights[];
} Ranking;

static int count_row(const Fts5ExtensionApi *api, Fts5Context *context, void *count) {
  (void)api;
  (void)context;
  *(sqlite3_int64 *)count += 1;
  return SQLITE_OK;
}

static int make_ranking(const Fts5ExtensionApi *api, Fts5Context *context, Ranking **made) {
  int phrases = api->xPhraseCount(context);
  size_t size = sizeof(Ranking) + 2 * (size_t)phrases * sizeof(double);
  Ranking *ranking = sqlite3_malloc64(size);
  if (!ranking) return SQLITE_NOMEM;
  memset(ranking, 0, size);
  ranking->phrases = phrases;
  for (int index = 0; index < phrases; index++) ranking->weights[index] = -1;
  sqlite3_int64 length = 0;
  int code = api->xRowCount(context, &ranking->rows);
  if (code == SQLITE_OK) code = api->xColumnTotalSize(context, 0, &length);
  if (code != SQLITE_OK) {
    sqlite3_free(ranking);
    return code;
  }
  ranking->average_length = ranking->rows > 0 && length > 0 ? (double)length / (double)ranking->rows : 1;
  *made = ranking;
  /* "If an error occurs, the destructor is invoked on the pointer before returning." */
  return api->xSetAuxdata(context, ranking, sqlite3_free);
}

static int weigh(const Fts5ExtensionApi *api, Fts5Context *context, Ranking *ranking, int phrase) {
  sqlite3_int64 found = 0;
  int code = api->xQueryPhrase(context, phrase, &found, count_row);
  if (code != SQLITE_OK) return code;
  double others = ranking->rows > found ? (double)(ranking->rows - found) : 0;
  ranking->weights[phrase] = log(1 + (others + 0.5) / ((double)found + 0.5));
  return SQLITE_OK;
}

/* Counts the row's words, by phrase. */
static int count_words(const Fts5ExtensionApi *api, Fts5Context *context, Ranking *ranking, double *counts) {
  int instances = 0;
  int code = api->xInstCount(context, &instances);
  memset(counts, 0, (size_t)ranking->phrases * sizeof(double));
  for (int index = 0; code == SQLITE_OK && index < instances; index++) {
    int phrase = 0, column = 0, offset = 0;
    code = api->xInst(context, index, &phrase, &column, &offset);
    if (code != SQLITE_OK || column != 0 || phrase < 0 || phrase >= ranking->phrases) continue;
    if (ranking->weights[phrase] < 0) code = weigh(api, context, ranking, phrase);
    counts[phrase] += 1;
  }
  return code;
}

static void rank(
  const Fts5ExtensionApi *api, Fts5Context *context, sqlite3_context *result, int count, sqlite3_value **arguments) {
  (void)count;
  (void)arguments;
  int code = SQLITE_OK;
  Ranking *ranking = api->xGetAuxdata(context, 0);
  if (!ranking) code = make_ranking(api, context, &ranking);
  if (code != SQLITE_OK) return sqlite3_result_error_code(result, code);

  double *counts = ranking->weights + ranking->phrases;
  int length = 0;
  code = count_words(api, context, ranking, counts);
  if (code == SQLITE_OK) code = api->xColumnSize(context, 0, &length);
  if (code != SQLITE_OK) return sqlite3_result_error_code(result, code);

  double damping = k1 * (1 - b + b * (double)length / ranking->average_length);
  double score = 0;
  for (int phrase = 0; phrase < ranking->phrases; phrase++) {
    if (counts[phrase] > 0) score += ranking->weights[phrase] * counts[phrase] * (k1 + 1) / (counts[phrase] + damping);
  }
  sqlite3_result_double(result, score);
}

/* FTS5's manual, "Extending FTS5". */
static int find_api(sqlite3 *database, fts5_api **api) {
  sqlite3_stmt *statement = 0;
  int code = sqlite3_prepare_v2(database, "SELECT fts5(?1)", -1, &statement, 0);
  if (code != SQLITE_OK) return code;
  code = sqlite3_bind_pointer(statement, 1, (void *)api, "fts5_api_ptr", 0);
  if (code == SQLITE_OK) sqlite3_step(statement);
  int finalized = sqlite3_finalize(statement);
  return code == SQLITE_OK ? finalized : code;
}

int palaver_define_rank(sqlite3 *database) {
  fts5_api *api = 0;
  int code = find_api(database, &api);
  if (code != SQLITE_OK) return code;
  if (!api || api->iVersion < 2) return SQLITE_MISUSE;
  return api->xCreateFunction(api, "palaver_rank", 0, rank, 0);
}
