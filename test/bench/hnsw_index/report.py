#!/usr/bin/env python3
"""Markdown of results of bench.py.

    report.py FILE.json ...
"""
import json
import math
import sys


def row(*cells):
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def header(*cells):
    return [row(*cells), row(*("---" for _ in cells))]


def megabytes(value):
    return f"{value / 1e6:.1f}"


def at_recall(engine, recall, key="cpu_us", connections=1):
    """A measure at a recall, between the two points around it on a logarithmic scale of 1 - recall; and whether the first
    point is beyond it already, so that the figure is an upper bound. None where no point gets there."""
    points = [p for p in engine["points"] if p["connections"] == connections]
    for before, point in zip([None] + points, points):
        if point["recall"] < recall:
            continue
        if before is None:
            return point[key], True
        x0, x1, x = (math.log(max(1e-6, 1 - r)) for r in (before["recall"], point["recall"], recall))
        y0, y1 = math.log(max(1e-6, before[key])), math.log(max(1e-6, point[key]))
        return math.exp(y0 + (y1 - y0) * (x - x0) / (x1 - x0)), False
    return None


def shown(found, digits=0):
    if found is None:
        return "-"
    return ("<= " if found[1] else "") + f"{found[0]:.{digits}f}"


def by_recall(result):
    lines = header("engine", *(f"{what} at {recall}" for recall in (.95, .99)
                               for what in ("CPU us", "hits", "x pgvector", "x hnswlib")))
    engines = {engine["engine"]: engine for engine in result["engines"]}
    for name, engine in engines.items():
        cells = [name]
        for recall in (.95, .99):
            own = at_recall(engine, recall)
            cells += [shown(own), shown(at_recall(engine, recall, "hits")) if name != "hnswlib" else "-"]
            for other in ("pgvector", "hnswlib"):
                theirs = at_recall(engines[other], recall) if other in engines else None
                # A bound of ours makes the ratio a lower bound, one of theirs an upper bound, both neither.
                sign = {(0, 0): "", (1, 0): ">= ", (0, 1): "<= ", (1, 1): "~ "}[own[1], theirs[1]] if own and theirs else ""
                cells.append(f"{sign}{theirs[0] / own[0]:.2f}" if own and theirs else "-")
        lines.append(row(*cells))
    return lines


def builds(of):
    lines = header("engine", "memory", "workers", "wall s", "CPU s", "index MB", "WAL MB")
    for name, took in of.items():
        for one in took if isinstance(took, list) else [took]:
            memory = one["memory"] if one["memory"] == one["memory_set"] else f"{one['memory']} ({one['memory_set']})"
            lines.append(row(name, memory, one["workers"], one["wall_s"], one["cpu_s"], megabytes(one["bytes"]),
                             megabytes(one["wal_bytes"])))
    return lines


def search(result):
    lines = [f"### {result['set']}: search, {result['rows']} rows of {result['dim']}, {result['queries']} queries, "
             f"{result['rounds']} rounds", ""]
    lines += header("connections", "ef", "engine", "recall@10", "CPU us", "hits", "index", "table", "out of line", "p50 us",
                    "p99 us", "queries/s")
    keys = sorted({(p["connections"], p["ef"]) for engine in result["engines"] for p in engine["points"]})
    for connections, ef in keys:
        for engine in result["engines"]:
            p = next((p for p in engine["points"] if (p["connections"], p["ef"]) == (connections, ef)), None)
            if p is None:
                continue
            server = engine["engine"] != "hnswlib" and connections == keys[0][0]
            counted = [p["hits"], p["index"], p["heap"], p["toast"]] if server else ["-"] * 4
            lines.append(row(connections, ef, engine["engine"], f"{p['recall']:.4f}", p["cpu_us"], *counted, p["p50_us"],
                             p["p99_us"], p["per_second"]))
    lines += [""] + by_recall(result) + [""]
    for engine in result["engines"]:
        if engine["engine"] == "hnswlib":
            continue
        lines.append(f"{engine['engine']}: a statement that takes the vector and does nothing costs {engine['nothing_us']} us of CPU.")
        reads = max(p["reads"] for p in engine["points"])
        if reads >= 1:
            lines.append(f"{engine['engine']}: {reads} BUFFERS A QUERY CAME FROM OUTSIDE the shared buffers; make them larger.")
    lines += [""] + builds(result["builds"])
    if result["hnswlib_build_s"]:
        lines.append(row("hnswlib", "-", 0, "-", result["hnswlib_build_s"], megabytes(result["hnswlib_bytes"]), "-"))
    return lines


def build(result):
    return [f"### {result['set']}: build, {result['rows']} rows", ""] + builds(result["builds"])


def insert(result):
    lines = [f"### {result['set']}: single-row inserts into {result['rows']} rows", ""]
    lines += header("engine", "phase", "inserts", "rows/s", "CPU us/row", "WAL bytes/row", "records/row", "record bytes/row",
                    "page image bytes/row")
    for one in result["results"]:
        lines.append(row(one["engine"], one["phase"], one["inserts"], f"{one['per_second']:.0f}", one["cpu_us"],
                         f"{one['wal_bytes']:.0f}", one["records"], f"{one['record_bytes']:.0f}", f"{one['image_bytes']:.0f}"))
    return lines


def vacuum(result):
    lines = [f"### {result['set']}: VACUUM of a tenth of {result['rows']} rows", ""]
    lines += header("engine", "wall s", "CPU s", "WAL MB", "index MB after", "fresh index MB", "fresh build CPU s")
    for name, took in result["vacuums"].items():
        fresh = result["fresh_builds"][name]
        lines.append(row(name, took["wall_s"], took["cpu_s"], megabytes(took["wal_bytes"]), megabytes(took["bytes"]),
                         megabytes(fresh["bytes"]), fresh["cpu_s"]))
    lines += [""] + header("engine", "ef", *(f"{what}, {when}" for when in ("before", "after VACUUM", "fresh")
                                             for what in ("recall", "CPU us")))
    for name in result["vacuums"]:
        engines = [next(e for e in result[when]["engines"] if e["engine"] == name) for when in ("full", "after", "fresh")]
        for points in zip(*(engine["points"] for engine in engines)):
            lines.append(row(name, points[0]["ef"], *(cell for p in points for cell in (f"{p['recall']:.4f}", p["cpu_us"]))))
    return lines


def growth(result):
    lines = [f"### {result['set']}: growth", ""]
    lines += header("engine", "rows", "build CPU s", "index bytes/row", "recall at ef 40", "CPU us at ef 40",
                    "CPU us at .95", "hits at .95", "CPU us at .99", "hits at .99")
    for name in (engine["engine"] for engine in result["sizes"][0]["engines"]):
        for size in result["sizes"]:
            engine = next((e for e in size["engines"] if e["engine"] == name), None)
            if engine is None:
                continue
            took = size["builds"].get(name) or {"cpu_s": size["hnswlib_build_s"], "bytes": size["hnswlib_bytes"]}
            at_40 = next((p for p in engine["points"] if p["ef"] == 40), None)
            lines.append(row(name, size["rows"], took["cpu_s"], f"{took['bytes'] / size['rows']:.0f}",
                             at_40["recall"] if at_40 else "-", at_40["cpu_us"] if at_40 else "-",
                             *("-" if key == "hits" and name == "hnswlib" else shown(at_recall(engine, recall, key))
                               for recall in (.95, .99) for key in ("cpu_us", "hits"))))
    return lines


def markdown(result):
    lines = {"search": search, "build": build, "insert": insert, "vacuum": vacuum, "growth": growth}[result["mode"]](result)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    for path in sys.argv[1:]:
        with open(path) as file:
            print(markdown(json.load(file)))
