"""MariaDB, Redis and Elasticsearch that run already, told by PALAVER_TEST_MYSQL, …_REDIS and …_ELASTICSEARCH."""
import contextlib
import http.client
import json
import os
import subprocess
import urllib.parse

from .processes import listening_on


def call(base, method, path, body=None, timeout=60):
    """One HTTP request; returns (status, decoded JSON)."""
    url = urllib.parse.urlsplit(base)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=timeout)
    data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
    connection.request(method, path, data, {"Content-Type": "application/json"})
    reply = connection.getresponse()
    text = reply.read()
    connection.close()
    return reply.status, json.loads(text) if text else None


def mysql_url():
    return urllib.parse.urlsplit(os.environ["PALAVER_TEST_MYSQL"])


def elasticsearch_base():
    return os.environ["PALAVER_TEST_ELASTICSEARCH"].rstrip("/")


def sql(text, database="", rows=False):
    """Runs statements; returns the last line's columns where `rows` is set."""
    url = mysql_url()
    command = ["mariadb", "--no-defaults", f"-h{url.hostname}", f"-P{url.port}", f"-u{url.username}",
               f"-p{url.password or ''}", "-N", "-B", database]
    result = subprocess.run(command, input=text, text=True, capture_output=True, check=False)
    if result.returncode:
        raise RuntimeError(f"MariaDB: {result.stderr.strip()}")
    lines = result.stdout.splitlines()
    return lines[-1].split("\t") if rows and lines else None


def pids():
    """The back ends' processes by name."""
    ports = {"mariadbd": mysql_url().port, "redis": urllib.parse.urlsplit(os.environ["PALAVER_TEST_REDIS"]).port,
             "elasticsearch": urllib.parse.urlsplit(elasticsearch_base()).port}
    return {name: listening_on(port) for name, port in ports.items()}


@contextlib.contextmanager
def temporary_database(name):
    """An empty database, dropped afterwards."""
    sql(f"DROP DATABASE IF EXISTS {name}; CREATE DATABASE {name}")
    try:
        yield name
    finally:
        sql(f"DROP DATABASE {name}")


@contextlib.contextmanager
def temporary_stack(name):
    """The settings of an installation of its own on the back ends, with an empty database; gone afterwards."""
    elasticsearch = elasticsearch_base()
    with temporary_database(name):
        try:
            yield {"PALAVER_DATABASE_URL": f"mysql://{mysql_url().netloc}/{name}",
                   "PALAVER_REDIS_URL": os.environ["PALAVER_TEST_REDIS"],
                   "PALAVER_ELASTICSEARCH_URL": elasticsearch,
                   "PALAVER_REDIS_PREFIX": name, "PALAVER_INDEX_PREFIX": name}
        finally:
            for index in call(elasticsearch, "GET", f"/{name}-*?expand_wildcards=all")[1] or {}:
                call(elasticsearch, "DELETE", f"/{index}")
            call(elasticsearch, "DELETE", f"/_index_template/{name}*")
