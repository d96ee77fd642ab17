"""The throw-away cluster as the benchmarks see it: sessions, what they cost, tables and indexes."""
import json
import os
import subprocess
import time

EXTENSIONS = {"medvec": "medvec", "pgvector": "vector"}


class Failure(Exception):
    """The server's word on why something cannot be done."""


class Session:
    """psql, asked one statement at a time."""

    def __init__(self, database):
        self.psql = subprocess.Popen(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=terse", "-d", database],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.pid = int(self.ask("SELECT pg_backend_pid();")[0])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.psql.stdin.close()
        self.psql.wait()

    def ask(self, sql):
        lines = []
        try:
            self.psql.stdin.write(sql + "\n\\echo --done--\n")
            self.psql.stdin.flush()
            for line in self.psql.stdout:
                if line == "--done--\n":
                    return lines
                lines.append(line.rstrip("\n"))
        except BrokenPipeError:
            pass
        raise Failure(self.psql.stderr.read().strip())

    def cpu(self):
        with open(f"/proc/{self.pid}/schedstat") as stat:
            return int(stat.read().split()[0]) / 1e9


class Engine:
    """An extension and its database."""

    def __init__(self, name, postmaster, anew):
        self.name, self.postmaster, self.database = name, postmaster, f"bench_{name}"
        with Session("postgres") as session:
            if anew:
                session.ask(f"DROP DATABASE IF EXISTS {self.database};")
            if not session.ask(f"SELECT 1 FROM pg_database WHERE datname = '{self.database}';"):
                session.ask(f"CREATE DATABASE {self.database};")
        with self.session() as session:
            session.ask("SET client_min_messages = warning; CREATE EXTENSION IF NOT EXISTS pg_prewarm; "
                        f"CREATE EXTENSION IF NOT EXISTS {EXTENSIONS[name]};")
            if not session.ask("SELECT 1 FROM pg_am WHERE amname = 'hnsw';"):
                raise Failure("the extension has no access method hnsw")
            self.version = session.ask(f"SELECT extversion FROM pg_extension WHERE extname = '{EXTENSIONS[name]}';")[0]

    def session(self):
        return Session(self.database)

    def _ended_children(self):
        """CPU seconds of backends that have ended: the workers of a build are among them."""
        with open(f"/proc/{self.postmaster}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")

    def timed(self, session, sql):
        """Runs a statement: wall seconds, CPU seconds of the session's backend and of its workers, bytes of WAL."""
        position = "SELECT pg_current_wal_insert_lsn();"
        lsn = session.ask(position)[0]
        cpu, ended, start = session.cpu(), self._ended_children(), time.monotonic()
        session.ask(sql)
        wall = time.monotonic() - start
        time.sleep(.2)  # until the postmaster has heard of its children
        cpu = session.cpu() - cpu + self._ended_children() - ended
        wal = session.ask(f"SELECT pg_current_wal_insert_lsn() - '{lsn}'::pg_lsn;")[0]
        return {"wall_s": round(wall, 2), "cpu_s": round(cpu, 2), "wal_bytes": int(wal)}

    def table(self, set_, rows, program, name, anew=False):
        """A table of the first rows of the set, filled where it does not yet exist."""
        with self.session() as session:
            if anew:
                session.ask(f"SET client_min_messages = warning; DROP TABLE IF EXISTS {name};")
            if session.ask(f"SELECT to_regclass('{name}') IS NULL OR NOT EXISTS (SELECT FROM pg_class "
                           f"WHERE oid = to_regclass('{name}') AND reltuples = {rows});") == ["f"]:
                return
            # parallel_workers: the vectors may lie out of line, and the planner counts the pages of the table alone.
            session.ask(f"SET client_min_messages = warning; DROP TABLE IF EXISTS {name}; CREATE TABLE {name} "
                        f"(id int, v {set_.type}({set_.dim})) WITH (parallel_workers = 8);")
            subprocess.run([program, "load", set_.path, set_.type, set_.metric, f"{self.name}={self.database}:{name}",
                            f"rows={rows}"], check=True, stdout=subprocess.DEVNULL)
            session.ask(f"VACUUM ANALYZE {name}; CHECKPOINT;")
            session.ask(f"UPDATE pg_class SET reltuples = {rows} WHERE oid = '{name}'::regclass;")

    def drop(self, *tables):
        with self.session() as session:
            session.ask(f"SET client_min_messages = warning; DROP TABLE IF EXISTS {', '.join(tables)};")

    def index(self, set_, table, args, memory=None, anew=False, name="hnsw", columns=""):
        """The index TABLE_NAME on a table, built unless it is there with the same parameters; what its build took. `columns`
        are further ones, as in ", a, b"."""
        memory = memory or args.memory[0]
        what = {"m": args.m, "ef_construction": args.ef_construction, "memory": memory, "workers": args.workers,
                "columns": columns}
        with self.session() as session:
            said = session.ask(f"SELECT obj_description(to_regclass('{table}_{name}'), 'pg_class');")[0]
            kept = ("m", "ef_construction", "columns")
            if said and not anew and all(json.loads(said).get(key, "") == what[key] for key in kept):
                return json.loads(said)
            setting = memory
            if "/" in memory:  # a share of the index
                above, below = memory.split("/")
                size = int(session.ask(f"SELECT pg_relation_size('{table}_{name}');")[0])
                setting = f"{max(1024, size * int(above) // int(below) // 1024)}kB"
            session.ask(f"SET client_min_messages = warning; DROP INDEX IF EXISTS {table}_{name}; CHECKPOINT;")
            session.ask(f"SET maintenance_work_mem = '{setting}'; "
                        f"SET max_parallel_maintenance_workers = {args.workers};")
            took = self.timed(session, f"CREATE INDEX {table}_{name} ON {table} USING hnsw (v {set_.type}_{set_.metric}_ops{columns}) "
                                       f"WITH (m = {args.m}, ef_construction = {args.ef_construction});")
            took.update(what, memory_set=setting, bytes=int(session.ask(f"SELECT pg_relation_size('{table}_{name}');")[0]))
            session.ask(f"COMMENT ON INDEX {table}_{name} IS '{json.dumps(took)}'; CHECKPOINT;")
            return took

    def warm(self, table):
        """Reads table, index and out-of-line storage into the shared buffers."""
        with self.session() as session:
            session.ask(f"""SELECT pg_prewarm(c.oid::regclass) FROM pg_class c WHERE c.oid IN (
                SELECT '{table}'::regclass UNION ALL SELECT indexrelid FROM pg_index WHERE indrelid = '{table}'::regclass
                UNION ALL SELECT reltoastrelid FROM pg_class WHERE oid = '{table}'::regclass
                UNION ALL SELECT indexrelid FROM pg_index JOIN pg_class t ON indrelid = t.reltoastrelid
                WHERE t.oid = '{table}'::regclass);""")


def available(args):
    """The engines of --engines that are installed, those of --anew with new databases."""
    engines = []
    for name in args.engines.split(","):
        try:
            engines.append(Engine(name, args.postmaster, name in args.anew.split(",")))
        except Failure as failure:
            print(f"{name} is left out: {failure}\n", flush=True)
    return engines


def facts():
    """Of the server, for a result."""
    with Session("postgres") as session:
        return {"version": session.ask("SHOW server_version;")[0], "shared_buffers": session.ask("SHOW shared_buffers;")[0]}
