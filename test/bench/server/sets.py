"""The sets of test/bench/data and what the benchmarks know of them."""
import os

SETS = {"wink": ("wink-100", "cosine"), "fashion": ("fashion-784", "l2"), "xray": ("xray-1280", "cosine"),
        "clustered": ("clustered-128", "l2"), "clustered1m": ("clustered1m-128", "l2"),
        "simhash1m": ("simhash1m-1024", "hamming")}


class Set:
    def __init__(self, name, args):
        stem, self.metric = SETS[name]
        self.type, self.dim = args.type, int(stem.rpartition("-")[2])
        self.name = name if self.type == "vector" else f"{name}_{self.type}"
        self.path = os.path.join(args.data, stem + ".f32")
        row_bytes = 4 * self.dim
        if self.type == "bit":
            self.path, self.metric, row_bytes = os.path.join(args.data, stem + ".bits"), args.bit_metric, (self.dim + 7) // 8
        total = os.path.getsize(self.path) // row_bytes
        self.rows = total - min(1000, total // 10)  # the last ones are the queries
