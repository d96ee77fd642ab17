#!/usr/bin/env python3
"""Retrieval figures of medvec-xray-v1 on patients kept out of training, and the table of the model card.

    python3 models/evaluate.py --data ../shared/data [--split test] [--model models/medvec-xray-v1.pt]
    python3 models/evaluate.py --data ../shared/data --slices folder-of-DICOM-files

Beside it: the MobileNetV2 teacher, the same network untrained, and chance. Queries and gallery are images of held-out
patients of one group (Kermany; NIH AP; NIH PA), images of the query's own patient are left out, and every label weighs
the same. Intervals: 95 %, bootstrap over patients.
"""

import argparse
import glob
import io
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cpu  # noqa: E402,F401  (before torch)
import numpy as np  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402

from network import Network  # noqa: E402
from retrieval import groups, macro, query_figures  # noqa: E402
from teacher import TEACHER_SIDE, load_teacher, teacher_input  # noqa: E402
from xray_data import TEST, load_samples, load_spec, normalised, resized_square  # noqa: E402

ROUNDS = 2000
NAMES = {"kermany": "Kermany, normal / bacteria / virus", "nih AP": "NIH AP, no finding / pneumonia",
         "nih PA": "NIH PA, no finding / pneumonia"}


def unit(features):
    features = np.asarray(features, np.float32)
    return features / np.linalg.norm(features, axis=1, keepdims=True)


def batches(function, arrays):
    with torch.no_grad():
        return np.concatenate([function(torch.from_numpy(arrays[i : i + 32])).numpy() for i in range(0, len(arrays), 32)])


def embeddings_of_all(args, samples):
    spec = load_spec()
    grey = normalised(np.stack([resized_square(s.encoded, spec["height"], "F") for s in samples]), spec)
    colour = np.stack([resized_square(s.encoded, TEACHER_SIDE, "RGB") for s in samples]) / np.float32(255)
    torch.manual_seed(0)
    untrained = Network().train()
    # Its normalisation layers take the statistics of these images (no labels): otherwise all its vectors point one way.
    with torch.no_grad():
        for i in range(0, len(grey), 64):
            untrained(torch.from_numpy(grey[i : i + 64]))
    teacher = load_teacher(args.data)
    return {
        "**medvec-xray-v1** (256)": unit(batches(torch.jit.load(args.model).eval(), grey)),
        "MobileNetV2, the teacher (1280)": unit(batches(lambda x: teacher(teacher_input(x)), colour)),
        "same network, untrained (256)": unit(batches(untrained.eval(), grey)),
    }


def slices_far_from_chests(args):
    """On DICOM slices of other kinds: do the embeddings spread, and in the teacher's order? Every fourth file."""
    import pydicom

    spec, teacher = load_spec(), load_teacher(args.data)
    grey, colour = [], []
    for path in sorted(glob.glob(os.path.join(args.slices, "**", "*.dcm"), recursive=True))[::4]:
        pixels = pydicom.dcmread(path).pixel_array.astype(np.float64)
        if pixels.ndim == 2:
            low, high = pixels.min(), np.quantile(pixels, 0.995)
            png = io.BytesIO()
            Image.fromarray((np.clip((pixels - low) / max(high - low, 1), 0, 1) * 255).astype(np.uint8)).save(png, "PNG")
            grey.append(resized_square(png.getvalue(), spec["height"], "F"))
            colour.append(resized_square(png.getvalue(), TEACHER_SIDE, "RGB") / np.float32(255))
    ours = unit(batches(torch.jit.load(args.model).eval(), normalised(np.stack(grey), spec)))
    theirs = unit(batches(lambda x: teacher(teacher_input(x)), np.stack(colour)))
    pairs = np.triu_indices(len(grey), 1)
    ours, theirs = (ours @ ours.T)[pairs], (theirs @ theirs.T)[pairs]
    ranks = [np.argsort(np.argsort(x)) for x in (ours, theirs)]
    print(f"{len(grey)} slices: cosine of two slices {ours.mean():.3f}, standard deviation {ours.std():.3f} "
          f"(teacher {theirs.mean():.3f}, {theirs.std():.3f}); rank correlation with the teacher's "
          f"{np.corrcoef(*ranks)[0, 1]:.3f}")


def interval(figures, labels, patients):
    """2.5 % and 97.5 % quantiles of the macro figures over draws of whole patients (with their queries)."""
    generator = np.random.default_rng(0)
    labels = np.asarray(labels)
    names, owner = np.unique(np.asarray(patients), return_inverse=True)
    masks = [labels == label for label in np.unique(labels)]
    draws = []
    for _ in range(ROUNDS):
        weight = np.bincount(generator.integers(0, len(names), len(names)), minlength=len(names))[owner].astype(float)
        sums = [(weight[m, None] * figures[m]).sum(0) / max(weight[m].sum(), 1) for m in masks]
        draws.append(np.mean(sums, 0))
    return np.quantile(draws, [0.025, 0.975], axis=0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--model", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "medvec-xray-v1.pt"))
    parser.add_argument("--split", default=TEST)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--slices", help="look at these DICOM files instead (needs pydicom)")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.slices:
        slices_far_from_chests(args)
        return
    samples = [s for s in load_samples(args.data) if s.split == args.split]
    embeddings = embeddings_of_all(args, samples)
    print("| images of held-out patients | network (dimensions) | P@1 | P@10 | mAP |")
    print("|---|---|---|---|---|")
    for group, rows in groups(samples):
        labels = [samples[i].label for i in rows]
        patients = [samples[i].patient for i in rows]
        counts = ", ".join(f"{labels.count(label)} {label}" for label in sorted(set(labels)))
        title = f"{NAMES[group]}: {counts}; {len(set(patients))} patients"
        for name, vectors in embeddings.items():
            figures = query_figures(vectors[rows], labels, patients)
            mean, (low, high) = macro(figures, labels), interval(figures, labels, patients)
            cells = " | ".join(f"{mean[k]:.3f} ({low[k]:.3f} to {high[k]:.3f})" for k in range(3))
            print(f"| {title} | {name} | {cells} |")
            title = ""
        print(f"| | chance | {mean[3]:.3f} | {mean[3]:.3f} | about {mean[3]:.3f} |")


if __name__ == "__main__":
    main()
