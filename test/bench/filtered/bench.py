#!/usr/bin/env python3
"""Filtered search against pgvector's: run.sh makes the cluster and calls this; README.md says what is measured.

    run.sh search SET ... --data FOLDER [options]
    run.sh planning [options]

SET is a name of ../server/sets.py. Prints markdown and writes the same as JSON into --out.
"""
import argparse
import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "server"))

import report
from server import Failure, available, facts
from sets import SETS, Set

CLINICAL = ("person", "visit_occurrence", "image_occurrence", "condition_occurrence")
# What the planner may not do, so that it takes the hnsw index wherever that can answer at all.
FORCED = "SET enable_sort = off; SET enable_seqscan = off;"


def clinical_tables(engine, args):
    with engine.session() as session:
        if session.ask("SELECT to_regclass('condition_occurrence');") != [""]:
            return
    subprocess.run(["psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-d", engine.database, "-f",
                    os.path.join(HERE, "clinical.sql")], check=True, env=dict(os.environ, METADATA=args.metadata))


def table(engine, set_, rows, args, name):
    """The vectors with columns to filter by: of NIH's image where the row was made from one (SET.names), else of some image."""
    with engine.session() as session:
        filled = f"filled, with {args.queries} queries"
        if session.ask(f"SELECT obj_description(to_regclass('{name}'), 'pg_class') = '{filled}';") == ["t"]:
            return
        session.ask(f"SET client_min_messages = warning; DROP TABLE IF EXISTS {name}, {name}_raw, {name}_queries, {name}_names; "
                    f"CREATE UNLOGGED TABLE {name}_raw (id int, v {set_.type}({set_.dim}), cluster int); "
                    f"CREATE TABLE {name}_queries (n int PRIMARY KEY, v {set_.type}({set_.dim})); "
                    f"CREATE UNLOGGED TABLE {name}_names (id serial, name text);")
        subprocess.run([args.program, "load", set_.path, set_.metric, f"{engine.database}:{name}", f"rows={rows}",
                        f"queries={args.queries}"], check=True, stdout=subprocess.DEVNULL)
        names = set_.path.rpartition(".")[0] + ".names"
        if os.path.exists(names):
            session.ask(f"\\copy {name}_names (name) FROM '{names}'")
        session.ask(f"""
            CREATE TABLE {name} WITH (parallel_workers = 8) AS
            SELECT raw.id, raw.v, raw.cluster, (raw.id::bigint * 7919 % 10000)::int AS r,
                   image.image_occurrence_id::bigint, image.age, image.gender, image.view_position,
                   string_to_array(image.finding_labels, '|') AS findings
            FROM {name}_raw AS raw
            LEFT JOIN {name}_names AS names ON names.id = raw.id + 1
            LEFT JOIN nih_image AS own ON own.image_index = names.name
            JOIN nih_image AS image ON image.image_occurrence_id =
                coalesce(own.image_occurrence_id, 1 + raw.id::bigint * 48271 % (SELECT count(*) FROM nih_image))
            ORDER BY raw.id;
            ALTER TABLE {name} ADD PRIMARY KEY (id);
            CREATE INDEX ON {name} (r);
            CREATE INDEX ON {name} (cluster);
            CREATE INDEX ON {name} (age);
            CREATE INDEX ON {name} (gender, view_position);
            CREATE INDEX ON {name} (image_occurrence_id);
            CREATE INDEX ON {name} USING gin (findings);
            DROP TABLE {name}_raw, {name}_names;
            VACUUM ANALYZE {name}, {name}_queries;
            COMMENT ON TABLE {name} IS '{filled}';
            CHECKPOINT;""")


def only(name, index):
    """Of the table's hnsw indexes the planner sees this one."""
    return (f"UPDATE pg_index SET indisvalid = NOT indisvalid FROM pg_class AS c WHERE c.oid = indexrelid AND relname LIKE '{name}\\_hnsw%' "
            f"AND indisvalid <> (relname = '{name}_{index}');")


def contenders(engine, name, indexes, args):
    """Each with its name, what it is, the statements that set what a scan of its index heeds (`hnsw`), and those for the planner
    (`settings`)."""
    def one(label, index, iterative, ef, planned):
        # A value of the type first: a library that is not yet loaded knows no settings.
        hnsw = f"SELECT '[1]'::vector; SET hnsw.ef_search = {ef};" if ef else ""
        hnsw += f" SET hnsw.iterative_scan = {iterative};" if iterative else ""
        return {"contender": label, "engine": engine.name, "database": engine.database, "index": index, "iterative": iterative,
                "ef": ef, "planned": planned, "hnsw": hnsw, "settings": only(name, index) + (FORCED if planned == "forced" else "")}
    every = []
    for ef in map(int, args.efs.split(",")):
        for index in indexes:
            for iterative in ("off", "strict_order", "relaxed_order") if engine.name == "pgvector" else ("",):
                for planned in ("own", "forced"):
                    words = (engine.name, "columns" if index == "hnsw_columns" else "", iterative.partition("_")[0], str(ef),
                             "forced" if planned == "forced" else "")
                    every.append(one(" ".join(filter(None, words)), index, iterative, ef, planned))
    every.append(one(f"{engine.name} exact", indexes[0], "", 0, "exact"))
    return every


def search(args, engines, set_):
    rows = min(args.rows, set_.rows)
    name = f"{set_.name}_{rows}"
    every, builds = [], {}
    for engine in engines:
        clinical_tables(engine, args)
        table(engine, set_, rows, args, name)
        indexes = []
        for index in ("hnsw", "hnsw_columns") if engine.name == "medvec" else ("hnsw",):
            try:
                columns = f", {args.columns}" if index == "hnsw_columns" else ""
                builds[f"{engine.name} {index}"] = engine.index(set_, name, args, name=index, columns=columns)
                indexes.append(index)
            except Failure as failure:
                print(f"{engine.name}: {index} is left out: {failure}\n", flush=True)
        for each in (name, *CLINICAL):
            engine.warm(each)
        every += contenders(engine, name, indexes, args)
    command = [args.program, "search", set_.path, set_.metric, f"{engines[0].database}:{name}", f"rows={rows}",
               f"queries={args.queries}", f"rounds={args.rounds}", f"seconds={args.seconds}"]
    if args.cases:
        command.append(f"cases={args.cases}")
    for c in every:
        method = "exact" if c["planned"] == "exact" else "index"
        command.append(f"contender={c['contender']}|{c['database']}|{method}|{c['hnsw']}|{c['settings']}")
    result = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    known = {c["contender"]: {key: c[key] for key in ("engine", "index", "iterative", "ef", "planned")} for c in every}
    for case in result["cases"]:
        for contender in case["contenders"]:
            contender.update(known[contender["contender"]])
    result["builds"] = builds
    return result


PLANNED = {"one row": "SELECT v FROM plain_a WHERE id = 7",
           "join": "SELECT a.v, b.v FROM plain_a a JOIN plain_b b USING (id) WHERE a.v BETWEEN 5 AND 9 AND b.v = 3",
           "order": "SELECT id FROM plain_a WHERE v > 100 ORDER BY v LIMIT 10",
           "grouped": "SELECT v, count(*) FROM plain_a WHERE id < 1000 GROUP BY v HAVING count(*) > 1"}


def planning(args, engines):
    """The same statement planned in sessions with the library and without, in turns; then in sessions with it, on a table with
    an hnsw index and on one without."""
    results = []
    for engine in engines:
        with engine.session() as session:
            session.ask("""SET client_min_messages = warning; DROP TABLE IF EXISTS plain_a, plain_b, plain_v, plain_w;
                CREATE TABLE plain_a AS SELECT g AS id, g % 1000 AS v FROM generate_series(1, 10000) g;
                CREATE TABLE plain_b AS SELECT * FROM plain_a;
                CREATE TABLE plain_v AS SELECT id, v, ('[' || id || ',' || v || ',1]')::vector(3) AS e FROM plain_a;
                CREATE TABLE plain_w AS SELECT * FROM plain_v;
                ALTER TABLE plain_a ADD PRIMARY KEY (id); ALTER TABLE plain_b ADD PRIMARY KEY (id);
                ALTER TABLE plain_v ADD PRIMARY KEY (id); ALTER TABLE plain_w ADD PRIMARY KEY (id);
                CREATE INDEX ON plain_a (v); CREATE INDEX ON plain_b (v);
                CREATE INDEX ON plain_v USING hnsw (e vector_l2_ops);
                VACUUM ANALYZE plain_a, plain_b, plain_v, plain_w;""")
        load = "SELECT '[1]'::vector;"
        compared = [(label, (("without", "", statement), ("loaded", load, statement))) for label, statement in PLANNED.items()]
        compared.append(("one row of a table with vectors", tuple(
            (label, load, f"SELECT v FROM {table} WHERE id = 7")
            for label, table in (("no hnsw index", "plain_w"), ("hnsw index", "plain_v")))))
        for label, sessions in compared:
            command = [args.program, "planning", f"rounds={args.rounds}", f"queries={args.queries}"]
            command += [f"contender={name}|{engine.database}||{prepare}|{statement}" for name, prepare, statement in sessions]
            result = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
            results.append({"engine": engine.name, "statement": label, **result})
    return {"planning": results}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=("search", "planning"))
    parser.add_argument("sets", nargs="*", choices=[*SETS, []], metavar="SET")
    parser.add_argument("--data", help="folder of the sets (test/bench/data/make_sets.py)")
    parser.add_argument("--metadata", required=True, help="nih_metadata.csv.gz")
    parser.add_argument("--out", default="build/bench-results", help="folder of the JSON files")
    parser.add_argument("--engines", default="medvec,pgvector")
    parser.add_argument("--anew", default="", help="engines whose database is dropped first, as after a new installation")
    parser.add_argument("--rows", type=int, default=1 << 40, help="at most so many rows of the set")
    parser.add_argument("--columns", default="r, cluster, age, gender, view_position, findings",
                        help="filter columns of medvec's index")
    parser.add_argument("--cases", default="", help="names of cases.cpp, by commas; all of them if none")
    parser.add_argument("--efs", default="40,100,200,400")
    parser.add_argument("--queries", type=int, help="300; in mode planning the EXPLAINs in a row, 50")
    parser.add_argument("--rounds", type=int, help="1; in mode planning 300")
    parser.add_argument("--seconds", type=int, default=10, help="a case of a contender ends after so long, with 30 queries at least")
    parser.add_argument("--m", type=int, default=16)
    parser.add_argument("--ef-construction", type=int, default=64)
    parser.add_argument("--memory", default="2GB", help="maintenance_work_mem")
    parser.add_argument("--workers", type=int, default=1, help="max_parallel_maintenance_workers")
    parser.add_argument("--program", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--postmaster", required=True, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.mode == "search" and not (args.data and os.path.exists(args.metadata)):
        parser.error(f"mode search needs --data and {args.metadata} (MEDVEC_DATA names the folder that holds xray/)")
    args.memory, args.type = [args.memory], "vector"
    args.queries = args.queries or (300 if args.mode == "search" else 50)
    args.rounds = args.rounds or (1 if args.mode == "search" else 300)
    engines = available(args)
    os.makedirs(args.out, exist_ok=True)
    server = facts()
    for name in args.sets if args.mode == "search" else [None]:
        started = time.strftime("%Y%m%d-%H%M%S")
        result = search(args, engines, Set(name, args)) if name else planning(args, engines)
        result.update(mode=args.mode, started=started, server=server, load=os.getloadavg(),
                      versions={engine.name: engine.version for engine in engines},
                      arguments={key: value for key, value in vars(args).items()
                                 if key not in ("program", "postmaster", "data", "out", "metadata")})
        path = os.path.join(args.out, f"filtered-{args.mode}-{name or ''}-{started}.json")
        with open(path, "w") as file:
            json.dump(result, file, indent=1)
        print(report.markdown([result]), flush=True)


if __name__ == "__main__":
    main()
