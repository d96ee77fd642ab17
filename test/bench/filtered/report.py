#!/usr/bin/env python3
"""Markdown of results of bench.py. Results of the same set, rows and queries are put together, later ones over earlier ones, so
that medvec can be compared with a baseline of pgvector from another run.

    report.py [--all] FILE.json ...        --all: every contender of every case
"""
import json
import statistics
import sys

BEST = (40, 200)  # pgvector's ef_search among which its best is looked for


def row(*cells):
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def header(*cells):
    return ["", row(*cells), row(*("---" for _ in cells))]


def cpu(contender):
    return f"{contender['cpu_us']:.0f} ({contender['cpu_median_us']:.0f})"


def recall(contender):
    return f"{contender['recall']:.4f}"


def share(value):
    return f"{100 * value:.3g} %"


def way(plan):
    """In a word, how the rows of the set are found."""
    lower = plan.lower()
    return "hnsw" if "hnsw" in lower else "bitmap" if "bitmap heap scan on" in lower else "seq" if "seq scan on" in lower \
        and " e" in lower else "index"


def merged(results):
    """By set: cases by name, each with its contenders by name; whoever has another's plan has its figures too."""
    sets = {}
    for result in results:
        key = (result["set"], result["rows"], result["queries"])
        of_set = sets.setdefault(key, {"dim": result["dim"], "rows": result["rows"], "cases": {}, "builds": {}})
        of_set["builds"].update(result["builds"])
        for case in result["cases"]:
            kept = of_set["cases"].setdefault(case["name"], dict(case, contenders={}))
            figures = {c["contender"]: c for c in case["contenders"]}
            for name, contender in figures.items():
                kept["contenders"][name] = {**figures[contender.get("as", name)], **contender}
    return sets


def best(case, least, engine="pgvector"):
    """The cheapest contender of those whose recall is not below `least`; None where there is none."""
    able = [c for c in case["contenders"].values() if c["engine"] == engine and c["recall"] >= least
            and (c["ef"] in BEST or c["planned"] == "exact")]
    return min(able, key=lambda c: c["cpu_us"], default=None)


def own(case, engine, ef, index=None, iterative=""):
    return next((c for c in case["contenders"].values() if c["engine"] == engine and c["ef"] == ef and c["planned"] == "own"
                 and index in (None, c["index"]) and c["iterative"] == iterative), None)


def beside(of_set, index, ef):
    """medvec's own choice at an ef against pgvector's best at no less recall."""
    lines = header("case", "rows that qualify", "recall@10", "unfiltered", "unfilled", "CPU us: mean (median)", "by", "buffers",
                   "pgvector's best at no less recall", "recall@10", "CPU us", "by", "pgvector : medvec (of medians)")
    ratios, broken = [], []
    unfiltered = of_set["cases"].get("unfiltered")
    bar = own(unfiltered, "medvec", ef, index) if unfiltered else None
    for name, case in of_set["cases"].items():
        mine = own(case, "medvec", ef, index)
        if mine is None:
            continue
        theirs = best(case, mine["recall"])
        cells = [name, share(case["qualifying"] / of_set["rows"]), recall(mine), recall(bar) if bar else "-",
                 share(mine["unfilled"]), cpu(mine), way(mine["plan"]), f"{mine['hits']:.0f}"]
        if theirs:
            ratio = theirs["cpu_us"] / mine["cpu_us"]
            if name != "nothing":
                ratios.append(ratio)
            cells += [theirs["contender"], recall(theirs), cpu(theirs), way(theirs["plan"]),
                      f"{ratio:.2f} ({theirs['cpu_median_us'] / mine['cpu_median_us']:.2f})"]
        else:
            cells += ["none", "-", "-", "-", "-"]
        lines.append(row(*cells))
        for what in ("wrong", "disordered", "unfilled"):
            if mine[what] > 0:
                broken.append(f"{name}: {what} {mine[what]}")
        if bar and mine["recall"] < bar["recall"]:
            broken.append(f"{name}: recall below the unfiltered one by {bar['recall'] - mine['recall']:.4f}")
    if len(lines) == 3:  # the empty line and the header's two
        return []
    title = {"hnsw_columns": "filter columns in the index", "hnsw": "the filter above the index"}[index]
    lines = ["", f"medvec with {title}, ef_search {ef}:"] + lines
    if ratios:
        lines += ["", f"pgvector : medvec is {statistics.median(ratios):.1f} in the median case, {min(ratios):.2f} at least, of "
                      f"{len(ratios)} cases."]
    return lines + ["", "Promises broken: " + ("; ".join(broken) if broken else "none") + "."]


def short(of_set, ef):
    """A line a case: medvec with either index against pgvector's best at no less recall."""
    if "unfiltered" not in of_set["cases"]:
        return []
    indexes = [index for index in ("hnsw_columns", "hnsw") if own(of_set["cases"]["unfiltered"], "medvec", ef, index)]
    titles = {"hnsw_columns": "filter columns", "hnsw": "vectors alone"}
    lines = header(f"case, ef {ef}", "rows", *(cell for index in indexes for cell in (
        f"{titles[index]}: recall", "CPU us", "pgvector's best: CPU us", "recall, by", "ratio")))
    ratios = {index: [] for index in indexes}
    for name, case in of_set["cases"].items():
        cells = [name, share(case["qualifying"] / of_set["rows"])]
        for index in indexes:
            mine = own(case, "medvec", ef, index)
            theirs = best(case, mine["recall"])
            cells += [recall(mine), f"{mine['cpu_us']:.0f}"]
            cells += [f"{theirs['cpu_us']:.0f}", f"{recall(theirs)}, {theirs['contender'].removeprefix('pgvector ')}",
                      f"{theirs['cpu_us'] / mine['cpu_us']:.1f}"] if theirs else ["-", "-", "-"]
            if theirs and name != "nothing":
                ratios[index].append(theirs["cpu_us"] / mine["cpu_us"])
        lines.append(row(*cells))
    return lines + [""] + [f"Median ratio, {titles[index]}: {statistics.median(values):.1f}." for index, values in ratios.items() if values]


def by_ef(of_set, index):
    efs = sorted({c["ef"] for case in of_set["cases"].values() for c in case["contenders"].values()
                  if c["engine"] == "medvec" and c["ef"] and c["index"] == index})
    if not efs:
        return []
    lines = header("case, " + index, *(f"{what} at ef {ef}" for ef in efs for what in ("recall", "CPU us")))
    unfiltered = of_set["cases"].get("unfiltered")
    bars = [own(unfiltered, "medvec", ef, index)["recall"] if unfiltered else 0 for ef in efs]
    for name, case in of_set["cases"].items():
        points = [own(case, "medvec", ef, index) for ef in efs]
        if all(points):
            lines.append(row(name, *(cell for p, bar in zip(points, bars) for cell in (
                recall(p) if p["recall"] >= bar else f"**{recall(p)}**", f"{p['cpu_us']:.0f}"))))
    return lines + ["", "Bold: below the unfiltered recall."]


def overhead(of_set):
    """Of filter columns on a query without a filter."""
    case = of_set["cases"].get("unfiltered")
    if not case:
        return []
    lines = []
    for ef in sorted({c["ef"] for c in case["contenders"].values() if c["ef"]}):
        with_columns, without = own(case, "medvec", ef, "hnsw_columns"), own(case, "medvec", ef, "hnsw")
        if with_columns and without:
            lines.append(f"ef {ef}: {100 * (with_columns['cpu_median_us'] / without['cpu_median_us'] - 1):+.1f} %")
    return ["", "CPU (median) that filter columns add to the unfiltered query: " + ", ".join(lines) + "."] if lines else []


def alone(of_set, engine):
    """By the planner's choice and the default settings, and what it takes to get to a recall."""
    iterative = "off" if engine == "pgvector" else ""
    lines = header("case", "rows that qualify", f"{engine} by default: recall@10", "unfilled", "CPU us: mean (median)", "by",
                   *(cell for level in (.95, .98, 1) for cell in (f"cheapest at {level}", "CPU us", "by")))
    for name, case in of_set["cases"].items():
        first = own(case, engine, 40, iterative=iterative)
        if first is None:
            continue
        cells = [name, share(case["qualifying"] / of_set["rows"]), recall(first), share(first["unfilled"]), cpu(first),
                 way(first["plan"])]
        for level in (.95, .98, 1):
            found = best(case, level, engine)
            cells += [found["contender"].removeprefix(engine + " "), cpu(found), way(found["plan"])] if found else ["none", "-", "-"]
        lines.append(row(*cells))
    return lines if len(lines) > 3 else []


def everything(of_set):
    lines = []
    for name, case in of_set["cases"].items():
        lines += ["", f"#### {name}: {case['condition'] or 'no condition'}; {case['qualifying']:.1f} rows qualify"]
        lines += header("contender", "queries", "recall@10", "unfilled", "wrong", "out of order", "CPU us: mean (median)", "p95",
                        "buffers", "by")
        for contender, c in case["contenders"].items():
            if "as" in c:
                lines.append(row(contender, f"as {c['as']}", *["-"] * 7, way(c["plan"])))
            else:
                lines.append(row(contender, c["asked"], recall(c), share(c["unfilled"]), c["wrong"], c["disordered"], cpu(c),
                                 f"{c['cpu_p95_us']:.0f}", f"{c['hits']:.0f}", way(c["plan"])))
    return lines


def planning(result):
    lines = ["### CPU of EXPLAIN, us"]
    lines += header("engine", "statement", "session", "median", "least", "more than the first, in the same round (quartiles)")
    for one in result["planning"]:
        for c in one["contenders"]:
            lines.append(row(one["engine"], one["statement"], c["contender"], f"{c['cpu_us']:.2f}", f"{c['least_us']:.2f}",
                             f"{c['more_us']:+.2f} ({c['more_q1_us']:+.2f} to {c['more_q3_us']:+.2f})"))
    return lines


def markdown(results, all_of_it=False):
    lines = [line for result in results if result["mode"] == "planning" for line in planning(result)]
    for (name, rows, queries), of_set in merged([r for r in results if r["mode"] == "search"]).items():
        lines += ["", f"### {name}: {rows} rows of {of_set['dim']}, {queries} queries"]
        lines += short(of_set, 40)
        for index in ("hnsw_columns", "hnsw"):
            lines += beside(of_set, index, 40) + by_ef(of_set, index)
        lines += overhead(of_set) + alone(of_set, "pgvector") + header("index", "build CPU s", "MB")
        for engine, took in of_set["builds"].items():
            lines.append(row(engine, took["cpu_s"], f"{took['bytes'] / 1e6:.1f}"))
        if all_of_it:
            lines += everything(of_set)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    files = [argument for argument in sys.argv[1:] if argument != "--all"]
    print(markdown([json.load(open(path)) for path in files], "--all" in sys.argv))
