#pragma once
#include <mariadb/mysql.h>
#include <mariadb/mysqld_error.h>
#include <mariadb/errmsg.h>

/* Whether a prepared statement may be executed with many rows at once: MariaDB from 10.2 on. The library's own function
   takes a variable number of arguments, which Swift cannot call. */
static inline int palaver_mysql_takes_rows(MYSQL *mysql) {
  unsigned long capabilities = 0;
  if (mariadb_get_infov(mysql, MARIADB_CONNECTION_EXTENDED_SERVER_CAPABILITIES, &capabilities) != 0) return 0;
  return (capabilities & (MARIADB_CLIENT_STMT_BULK_OPERATIONS >> 32)) != 0;
}
