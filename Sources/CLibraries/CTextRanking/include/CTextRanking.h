#pragma once
#include <sqlite3.h>

/* Makes `palaver_rank(table)` known to FTS5: what the row's first column is worth for the words of the query, by BM25
 * as Elasticsearch computes it; the more the better. Returns a code of SQLite's. */
int palaver_define_rank(sqlite3 *database);
