#!/usr/bin/env python3
"""The HNSW index against pgvector's and hnswlib: run.sh makes the cluster and calls this; README.md says what is measured.

    run.sh search|build|insert|vacuum|growth SET ... --data FOLDER [options]

SET is a name of SETS below. Prints markdown and writes the same as JSON into --out.
"""
import argparse
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "server"))

import report
from server import Failure, available, facts
from sets import SETS, Set


def program(args, mode, set_, rows, engines, table, *options):
    command = [args.program, mode, set_.path, set_.type, set_.metric, f"rows={rows}"]
    command += [f"{e.name}={e.database}:{table}" for e in engines] + list(options)
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def each(engines, what):
    """Does it with every engine; those that cannot are named and left out of what follows."""
    able = {}
    for engine in engines:
        try:
            able[engine] = what(engine)
        except (Failure, subprocess.CalledProcessError) as failure:
            print(f"{engine.name} is left out: {failure}\n", flush=True)
    return able


def ready(args, engines, set_, rows, table, anew=False):
    def one(engine):
        engine.table(set_, rows, args.program, table, anew)
        took = engine.index(set_, table, args, anew=anew)
        engine.warm(table)
        return took
    return each(engines, one)


def searched(args, engines, set_, rows, table, efs, gap=0, hnswlib=True, connections="1"):
    options = [f"efs={efs}", f"rounds={args.rounds}", f"connections={connections}", f"gap={gap}"]
    if hnswlib and set_.type == "vector" and not args.no_hnswlib:
        options.append(f"hnswlib={args.hnswlib_ef_construction or args.ef_construction}")
    return program(args, "search", set_, rows, engines, table, *options)


def search(args, engines, set_, rows=None):
    rows = rows or min(args.rows, set_.rows)
    table = f"{set_.name}_{rows}"
    builds = ready(args, engines, set_, rows, table)
    result = searched(args, list(builds), set_, rows, table, args.efs, connections=args.connections)
    result["builds"] = {engine.name: took for engine, took in builds.items()}
    return result


def build(args, engines, set_):
    rows = min(args.rows, set_.rows)
    table = f"{set_.name}_{rows}_build"

    def one(engine):
        engine.table(set_, rows, args.program, table, anew=True)
        took = [engine.index(set_, table, args, memory, anew=True) for memory in args.memory]
        engine.drop(table)
        return took
    return {"rows": rows, "builds": {engine.name: took for engine, took in each(engines, one).items()}}


def insert(args, engines, set_):
    more = args.inserts + 1000
    rows = min(args.rows, set_.rows - more)
    table, bare = f"{set_.name}_{rows}_insert", f"{set_.name}_{rows}_bare"
    able = list(ready(args, engines, set_, rows, table, anew=True))
    if not able:
        return {"rows": rows, "results": []}
    able[0].table(set_, rows, args.program, bare, anew=True)
    result = program(args, "insert", set_, rows, able, table, f"no_index={able[0].database}:{bare}",
                     f"inserts={args.inserts}", "warm_up=500", "after_checkpoint=500")
    for engine in able:
        engine.drop(table, bare)
    return result


def vacuum(args, engines, set_):
    rows = min(args.rows, set_.rows)
    table = f"{set_.name}_{rows}_vacuum"
    efs = "24,40,100,200"

    def one(engine):
        with engine.session() as session:
            session.ask(f"DELETE FROM {table} WHERE id % 10 = 0; CHECKPOINT; SET maintenance_work_mem = '{args.memory[0]}';")
            took = engine.timed(session, f"VACUUM (PARALLEL 0, INDEX_CLEANUP ON) {table};")
            took["bytes"] = int(session.ask(f"SELECT pg_relation_size('{table}_hnsw');")[0])
        engine.warm(table)
        return took
    able = list(ready(args, engines, set_, rows, table, anew=True))
    full = searched(args, able, set_, rows, table, efs, hnswlib=False)
    vacuums = each(able, one)
    after = searched(args, list(vacuums), set_, rows, table, efs, gap=10, hnswlib=False)
    fresh_builds = each(vacuums, lambda engine: engine.index(set_, table, args, anew=True))
    for engine in fresh_builds:
        engine.warm(table)
    fresh = searched(args, list(fresh_builds), set_, rows, table, efs, gap=10, hnswlib=False)
    for engine in engines:
        engine.drop(table)
    return {"rows": rows, "vacuums": {engine.name: took for engine, took in vacuums.items()}, "full": full, "after": after,
            "fresh": fresh, "fresh_builds": {engine.name: took for engine, took in fresh_builds.items()}}


def growth(args, engines, set_):
    sizes = []
    for size in args.sizes.split(","):
        sizes.append(search(args, engines, set_, min(int(size), set_.rows)))
        print(report.markdown(dict(sizes[-1], mode="search", set=set_.name)), flush=True)
    return {"sizes": sizes}


MODES = {mode.__name__: mode for mode in (search, build, insert, vacuum, growth)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=MODES)
    parser.add_argument("sets", nargs="+", choices=SETS, metavar="SET")
    parser.add_argument("--data", required=True, help="folder of the sets (test/bench/data/make_sets.py)")
    parser.add_argument("--type", choices=("vector", "halfvec", "bit"), default="vector",
                        help="of the column; bit takes a set's .bits")
    parser.add_argument("--bit-metric", choices=("hamming", "jaccard"), default="hamming")
    parser.add_argument("--out", default="build/bench-results", help="folder of the JSON files")
    parser.add_argument("--engines", default="medvec,pgvector")
    parser.add_argument("--anew", default="", help="engines whose database is dropped first, as after a new installation")
    parser.add_argument("--rows", type=int, default=1 << 40, help="at most so many rows of the set")
    parser.add_argument("--m", type=int, default=16)
    parser.add_argument("--ef-construction", type=int, default=64)
    parser.add_argument("--memory", default="2GB", help="maintenance_work_mem; mode build takes several, by commas, and "
                        "1/20 means a twentieth of the index built before")
    parser.add_argument("--workers", type=int, default=1, help="max_parallel_maintenance_workers")
    parser.add_argument("--efs", default="10,16,24,40,64,100,200,400,800")
    parser.add_argument("--connections", default="1", help="numbers of connections that ask at the same time, by commas")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-hnswlib", action="store_true")
    parser.add_argument("--hnswlib-ef-construction", type=int, help="if not the servers'")
    parser.add_argument("--inserts", type=int, default=2000)
    parser.add_argument("--sizes", default="100000,999000", help="of mode growth")
    parser.add_argument("--program", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--postmaster", required=True, help=argparse.SUPPRESS)
    args = parser.parse_args()
    args.memory = args.memory.split(",")
    engines = available(args)
    os.makedirs(args.out, exist_ok=True)
    server = facts()
    for name in args.sets:
        started = time.strftime("%Y%m%d-%H%M%S")
        set_ = Set(name, args)
        result = MODES[args.mode](args, engines, set_)
        result.update(mode=args.mode, set=set_.name, started=started, server=server, load=os.getloadavg(),
                      versions={engine.name: engine.version for engine in engines},
                      arguments={key: value for key, value in vars(args).items() if key not in ("program", "postmaster", "data", "out")})
        path = os.path.join(args.out, f"{args.mode}-{set_.name}-{started}.json")
        with open(path, "w") as file:
            json.dump(result, file, indent=1)
        print(report.markdown(result), flush=True)


if __name__ == "__main__":
    main()
