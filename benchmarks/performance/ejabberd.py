"""ejabberd as a rival: MUC rooms whose messages are archived in MariaDB before they go out, plain TCP, no shapers.

It runs from a folder of its own, without Erlang's distribution (and so without epmd), as the user who calls.
"""
import glob
import os
import shutil
import socket
import subprocess
import tempfile
import time

from . import backends
from .processes import bound, end

DOMAIN = "localhost"
ROOMS = "conference.localhost"
LIBRARIES = "/usr/lib/x86_64-linux-gnu"
SCHEMA = "/usr/share/ejabberd/sql/mysql.sql"

# Presence is not broadcast to everyone else in a room: with thousands in it ejabberd would do nothing else. Nothing but
# authentication, rooms and the archive is loaded. Caches are on by default.
CONFIGURATION = """
hosts: [{domain}]
loglevel: error
log_rotate_count: 0
hide_sensitive_log_data: false
listen:
  - port: {port}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    max_stanza_size: 262144
    starttls: false
    shaper: none
    backlog: 4096
auth_method: sql
auth_password_format: plain
auth_use_cache: true
default_db: sql
sql_type: mysql
sql_server: "{host}"
sql_port: {database_port}
sql_database: {database}
sql_username: "{user}"
sql_password: "{password}"
sql_pool_size: 10
sql_keepalive_interval: 60
max_fsm_queue: 1000000
disable_sasl_mechanisms: ["digest-md5", "X-OAUTH2", "scram-sha-1", "scram-sha-256", "scram-sha-512"]
modules:
  mod_muc:
    db_type: sql
    access: all
    access_create: all
    access_persistent: all
    access_mam: all
    history_size: 100
    max_users: 20000
    max_users_presence: 0
    max_user_conferences: 20000
    max_users_admin_threshold: 20000
    min_message_interval: 0
    min_presence_interval: 0
    room_shaper: none
    user_message_shaper: none
    user_presence_shaper: none
    default_room_options:
      persistent: true
      max_users: 20000
      mam: true
      public: true
      members_only: false
      moderated: false
      anonymous: false
      presence_broadcast: []
      allow_subscription: false
      logging: false
  mod_mam:
    db_type: sql
    default: never
    use_cache: true
    request_activates_archiving: false
"""


def is_installed():
    return bool(shutil.which("erl") and os.path.exists(SCHEMA) and glob.glob("/usr/lib/erlang/lib/p1_mysql-*")
                and glob.glob(f"{LIBRARIES}/ejabberd-*"))


def version():
    return os.path.basename(min(glob.glob(f"{LIBRARIES}/ejabberd-*"), key=len)).split("-")[1]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Ejabberd:
    """A running ejabberd with the accounts bench0, bench1, … (password: secret) and sender."""

    def __init__(self, database, accounts):
        self.folder = tempfile.TemporaryDirectory(prefix="palaver-ejabberd-")
        self.port = free_port()
        self._fill(database, accounts)
        self._configure(database)
        self._start()

    def _fill(self, database, accounts):
        with open(SCHEMA) as file:
            backends.sql(file.read(), database)
        names = ["sender", *(f"bench{number}" for number in range(accounts))]
        backends.sql("INSERT INTO users (username, password) VALUES "
                     + ",".join(f"('{name}','secret')" for name in names), database)

    def _configure(self, database):
        url = backends.mysql_url()
        with open(self._path("ejabberd.yml"), "w") as file:
            file.write(CONFIGURATION.format(
                domain=DOMAIN, port=self.port, host=url.hostname, database_port=url.port, database=database,
                user=url.username, password=url.password or ""))
        with open(self._path("inetrc"), "w") as file:
            file.write('{lookup,["file","native"]}.\n{host,{127,0,0,1}, ["localhost","hostalias"]}.\n'
                       "{file, resolv, \"/etc/resolv.conf\"}.\n")
        os.mkdir(self._path("spool"))

    def _path(self, name):
        return os.path.join(self.folder.name, name)

    def _start(self):
        environment = dict(
            os.environ, HOME=self.folder.name, ERL_LIBS=LIBRARIES, EJABBERD_CONFIG_PATH=self._path("ejabberd.yml"),
            EJABBERD_LOG_PATH=self._path("ejabberd.log"), ERL_CRASH_DUMP=self._path("crash.dump"),
            ERL_INETRC=self._path("inetrc"), ERL_MAX_PORTS="32000", ERL_MAX_ETS_TABLES="1400",
            CONTRIB_MODULES_PATH=self._path("modules"))
        self.output = open(self._path("output"), "wb")
        self.process = subprocess.Popen(
            bound(["erl", "+K", "true", "+P", "250000", *SCHEDULING, "-mnesia", "dir", f'"{self._path("spool")}"', "-s",
                   "ejabberd", "-noinput", "-ejabberd", "quiet", "true"]),
            env=environment, cwd=self._path("spool"), stdin=subprocess.DEVNULL, stdout=self.output,
            stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 60
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                message = self.log()
                self.stop()
                raise RuntimeError(f"ejabberd did not start: {message}")
            time.sleep(0.1)

    def _answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def log(self):
        """The end of what it wrote."""
        text = ""
        for name in ("output", "ejabberd.log", "error.log"):
            if os.path.exists(self._path(name)):
                with open(self._path(name), errors="replace") as file:
                    text += file.read()[-2_000:]
        return text

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        end(self.process)
        self.output.close()
        self.folder.cleanup()


# Schedulers that have nothing to do sleep rather than spin: they share the processors with the clients.
SCHEDULING = ["+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none"]
