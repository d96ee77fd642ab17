#!/usr/bin/env python3
"""CPU time of exact search beside pgvector: the ten nearest by a sequential scan, on the same rows.

    test/bench/exact_search/compare.py [--rows N] [--rounds N] [--operators '<->,<=>'] [--storage S] [--explain]
        [DIMENSION ...]

Connects by libpq's environment (PGHOST, PGPORT, ...) as a role that may create databases and reads /proc, so it runs on the
server's machine with the right to see the backends (root, or the server's own account). Both extensions must be installed;
install pgvector from its source with the same pg_config. Creates the databases exact_medvec and exact_pgvector and leaves them
for the next run (--drop removes them).

One session in each database asks in turn, one process each (no parallel workers). Measured is the backend's time on a
processor (first number of /proc/PID/schedstat), of which the least and the median over the rounds are printed with the ratio of
the medians; interleaving keeps the machine's moods from favouring a side. Results must agree before anything is timed.
"""
import argparse
import statistics
import subprocess
import sys

SETTINGS = "SET max_parallel_workers_per_gather = 0; SET jit = off; SET synchronize_seqscans = off;"


class Session:
    """psql, asked one statement at a time."""

    def __init__(self, database):
        self.psql = subprocess.Popen(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", database], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, text=True)
        self.pid = int(self.ask("SELECT pg_backend_pid();")[0])
        self.ask(SETTINGS)

    def ask(self, sql):
        self.psql.stdin.write(sql + "\n\\echo --done--\n")
        self.psql.stdin.flush()
        lines = []
        for line in self.psql.stdout:
            if line == "--done--\n":
                return lines
            lines.append(line.rstrip("\n"))
        sys.exit("psql ended")

    def cpu(self):
        with open(f"/proc/{self.pid}/schedstat") as stat:
            return int(stat.read().split()[0])

    def timed(self, sql):
        before = self.cpu()
        rows = self.ask(sql)
        return self.cpu() - before, rows


def databases(args):
    for name, extension in (("exact_medvec", "medvec"), ("exact_pgvector", "vector")):
        if args.drop:
            subprocess.run(["dropdb", "--if-exists", name], check=True)
            continue
        if not Session("postgres").ask(f"SELECT 1 FROM pg_database WHERE datname = '{name}';"):
            subprocess.run(["createdb", name], check=True)
        Session(name).ask(f"SET client_min_messages = warning; CREATE EXTENSION IF NOT EXISTS {extension};")


def load(args, sessions, dim):
    """The same rows in both, filled in blocks of one backend's work and copied over in binary."""
    table = f"exact_{dim}"
    for session in sessions:
        if args.storage and session is sessions[0] or args.reload:
            session.ask(f"DROP TABLE IF EXISTS {table};")
    ours, theirs = sessions
    count = f"SELECT count(*) FROM {table};"
    exists = f"SELECT to_regclass('{table}') IS NOT NULL;"
    if theirs.ask(exists) != ["t"] or theirs.ask(count) != [str(args.rows)]:
        theirs.ask(f"""DROP TABLE IF EXISTS {table}; CREATE TABLE {table} (id int, embedding vector({dim}));
            SELECT setseed(0.5);
            INSERT INTO {table} SELECT i, (SELECT array_agg((random() + random() + random() - 1.5)::real) FROM generate_series(1, {dim})
                WHERE i > 0) FROM generate_series(1, {args.rows}) i;""")
    if ours.ask(exists) != ["t"] or ours.ask(count) != [str(args.rows)]:
        ours.ask(f"DROP TABLE IF EXISTS {table}; CREATE TABLE {table} (id int, embedding vector({dim}));")
        if args.storage:
            ours.ask(f"ALTER TABLE {table} ALTER COLUMN embedding SET STORAGE {args.storage};")
        dump = subprocess.Popen(["psql", "-Xqd", "exact_pgvector", "-c", f"COPY {table} TO STDOUT (FORMAT binary)"],
                                stdout=subprocess.PIPE)
        subprocess.run(["psql", "-Xqd", "exact_medvec", "-c", f"COPY {table} FROM STDIN (FORMAT binary)"],
                       stdin=dump.stdout, check=True)
    for session in sessions:
        session.ask(f"VACUUM ANALYZE {table}; CHECKPOINT;")
    return table


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dimensions", nargs="*", type=int, default=[100, 384, 784, 1280, 2048])
    parser.add_argument("--rows", type=int, default=20000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--operators", default="<->")
    parser.add_argument("--storage", help="of medvec's column, instead of the type's default")
    parser.add_argument("--reload", action="store_true", help="fill the tables anew")
    parser.add_argument("--explain", action="store_true", help="print medvec's plan and wait before the timed rounds (to attach perf)")
    parser.add_argument("--drop", action="store_true", help="drop the databases and end")
    args = parser.parse_args()
    databases(args)
    if args.drop:
        return
    sessions = [Session("exact_medvec"), Session("exact_pgvector")]
    print(f"{'dim':>6} {'op':>4} {'medvec ms':>20} {'pgvector ms':>20} {'ratio':>6} {'ns/row':>7} {'ns/row':>7}")
    for dim in args.dimensions:
        table = load(args, sessions, dim)
        for operator in args.operators.split(","):
            # The query is a parameter, as clients send it, of a plan that is kept.
            for session in sessions:
                session.ask(f"DEALLOCATE ALL; SET plan_cache_mode = force_generic_plan; PREPARE nearest(vector) AS "
                            f"SELECT id FROM {table} ORDER BY embedding {operator} $1 LIMIT 10;")
            queries = [f"EXECUTE nearest('{row}');" for row in
                       sessions[1].ask(f"SELECT embedding FROM {table} WHERE id % 1000 = 7 ORDER BY id LIMIT {args.rounds};")]
            if args.explain:
                print("\n".join(sessions[0].ask("EXPLAIN " + queries[0])), f"\nbackend {sessions[0].pid}", flush=True)
                input()
            times = [[], []]
            for round_number in range(args.rounds + 2):
                query = queries[round_number % len(queries)]
                order = (0, 1) if round_number % 2 else (1, 0)
                answers = [None, None]
                for side in order:
                    spent, answers[side] = sessions[side].timed(query)
                    if round_number >= 2:
                        times[side].append(spent / 1e6)
                if set(answers[0][:9]) - set(answers[1]):
                    print("the answers differ:", answers)
            cells = [f"{min(t):8.2f} {statistics.median(t):8.2f}" for t in times]
            medians = [statistics.median(t) for t in times]
            print(f"{dim:>6} {operator:>4} {cells[0]:>20} {cells[1]:>20} {medians[1] / medians[0]:>6.2f} "
                  f"{medians[0] * 1e6 / args.rows:>7.0f} {medians[1] * 1e6 / args.rows:>7.0f}", flush=True)


if __name__ == "__main__":
    main()
