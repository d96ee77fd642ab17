#!/usr/bin/env python3
"""Trains medvec-xray-v1 from scratch and exports it.

    python3 models/train.py --data ../shared/data --out models/

Three losses on each batch of chest X-rays of the training patients:

* distillation: a linear head (dropped afterwards) predicts the teacher's pooled features of the same view of the image;
* labels: a linear head per source, NIH findings (several an image) and Kermany's three classes;
* supervised contrast: images of the same label are drawn together, but only within a group (source, and for NIH the view
  position). Nothing is gained by telling adults from children or AP from PA, and the two labels of an NIH view weigh the same.

A quarter of each batch is synthetic (shapes and textures made up here), so that the network has seen something other than
chests: with a few plain shapes, distilled alone, slices of MR all came out within a cosine of 0.9999 of one another. Its labels
are the images themselves: two views of one are drawn together, and apart from all others.
"""

import argparse
import copy
import math
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cpu  # noqa: E402,F401  (before torch)
import numpy as np  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from PIL import Image  # noqa: E402
from torch import nn  # noqa: E402

import export  # noqa: E402
from augment import VIEWS, change_grey, cut, view_boxes  # noqa: E402
from network import DIMENSIONS, Network  # noqa: E402
from retrieval import summary  # noqa: E402
from synthetic import synthetic_image  # noqa: E402
from teacher import TEACHER_SIDE, load_teacher, teacher_input  # noqa: E402
from xray_data import (KERMANY_LABELS, NIH_FINDINGS, TRAIN, VALIDATION, load_samples, load_spec, normalised,  # noqa: E402
                       resized_square)

SEED = 20
TARGETS = 256  # principal components of the teacher's features
SYNTHETIC = 2048
BATCH = 96
TEMPERATURE = 0.1


def log(*parts):
    print(f"[{time.strftime('%H:%M:%S')}]", *parts, flush=True)


def teacher_targets(args, teacher, images, boxes):
    """The teacher's features of every view, centred, reduced to their principal components, partly whitened."""
    cache = os.path.join(args.cache, "teacher.pt") if args.cache else ""
    if cache and os.path.exists(cache):
        features = torch.load(cache)
    else:
        chunks, began = [], time.time()
        with torch.no_grad():
            for start in range(0, len(images), 64):
                pixels = images[start : start + 64].float().to(args.device) / 255
                for view in range(VIEWS):
                    part = cut(pixels, boxes[start : start + 64, view], TEACHER_SIDE)
                    chunks.append(teacher(teacher_input(part)).cpu())
                if start % 1024 == 0:
                    log(f"teacher {start}/{len(images)} images, {time.time() - began:.0f} s")
        features = torch.cat([torch.stack(chunks[i : i + VIEWS], 1) for i in range(0, len(chunks), VIEWS)])
        if cache:
            torch.save(features, cache)
    flat = features.flatten(0, 1).double()
    centred = flat - flat.mean(0)
    values, vectors = torch.linalg.eigh(centred.T @ centred / len(flat))
    values, vectors = values.flip(0)[:TARGETS], vectors.flip(1)[:, :TARGETS]
    targets = centred @ vectors / values.clamp(min=1e-8) ** 0.25
    return F.normalize(targets.float(), dim=1).unflatten(0, (-1, VIEWS))


def label_tables(samples):
    """Findings (N x F), class of Kermany (N, -1 elsewhere), contrast class and group, weight of each NIH image."""
    findings = torch.zeros(len(samples), len(NIH_FINDINGS))
    kermany = torch.full((len(samples),), -1)
    names = sorted({(s.group, s.label) for s in samples if s.label != "other"})
    groups = sorted({s.group for s in samples})
    contrast = torch.full((len(samples),), -1)
    group = torch.tensor([groups.index(s.group) for s in samples])
    counts = {}
    for s in samples:
        counts[s.group, s.label] = counts.get((s.group, s.label), 0) + 1
    weight = torch.ones(len(samples))
    for i, s in enumerate(samples):
        if s.label != "other":
            contrast[i] = names.index((s.group, s.label))
        if s.source == "nih":
            findings[i] = torch.tensor([float(f in s.findings) for f in NIH_FINDINGS])
            weight[i] = len(samples) / counts[s.group, s.label]
        else:
            kermany[i] = KERMANY_LABELS.index(s.label)
    nih = kermany < 0
    weight[nih] /= weight[nih].mean()
    return findings, kermany, contrast, group, weight


def contrastive(embeddings, classes, groups, temperature):
    """Supervised contrast (Khosla et al. 2020, the loss "out"), both positives and negatives from the image's group."""
    unit = F.normalize(embeddings, dim=1)
    scores = unit @ unit.T / temperature
    itself = torch.eye(len(unit), dtype=torch.bool, device=unit.device)
    candidates = (groups[:, None] == groups[None]) & ~itself & (classes >= 0)[None]
    positives = candidates & (classes[:, None] == classes[None])
    valid = positives.any(1) & (candidates & ~positives).any(1) & (classes >= 0)
    if not valid.any():
        return embeddings.sum() * 0
    shares = scores.masked_fill(~candidates, -1e4).log_softmax(1)
    each = -(shares * positives).sum(1) / positives.sum(1).clamp(min=1)
    return each[valid].mean()


class Heads(nn.Module):
    """What training reads off the embedding; dropped afterwards."""

    def __init__(self):
        super().__init__()
        self.teacher = nn.Linear(DIMENSIONS, TARGETS)
        self.findings = nn.Linear(DIMENSIONS, len(NIH_FINDINGS))
        self.kermany = nn.Linear(DIMENSIONS, len(KERMANY_LABELS))


class Average:
    """Exponential moving average of the weights: the network that is exported."""

    def __init__(self, network):
        self.network = copy.deepcopy(network).eval()

    def update(self, network, step):
        keep = min(0.998, (1 + step) / (10 + step))
        with torch.no_grad():
            for ours, theirs in zip(self.network.state_dict().values(), network.state_dict().values()):
                if ours.dtype.is_floating_point:
                    ours.lerp_(theirs, 1 - keep)


def embeddings_of(network, images, spec, device):
    network.eval()
    with torch.no_grad():
        parts = [network(torch.from_numpy(normalised(images[i : i + 64], spec)).to(device)).cpu()
                 for i in range(0, len(images), 64)]
    return torch.cat(parts).numpy()


def recalibrate(network, seen, synthetic, spec, device):
    """Statistics of the normalisation layers over images as they are seen in use, mixed as in training."""
    layers = [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None
    network.train()
    generator = np.random.default_rng(SEED)
    order = generator.permutation(len(seen))
    with torch.no_grad():
        for start in range(0, len(order) - 95, 96):
            made = synthetic[generator.choice(len(synthetic), 32, replace=False)]
            batch = np.concatenate([seen[order[start : start + 96]], made])
            network(torch.from_numpy(normalised(batch, spec)).to(device))
    network.eval()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, help="folder that holds xray/ and models/")
    parser.add_argument("--out", required=True, help="folder the model is written to")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cache", default="", help="folder to keep the teacher's features in between runs")
    parser.add_argument("--distil", type=float, default=1.0, help="weight of the distillation loss")
    parser.add_argument("--labels", type=float, default=0.3, help="weight of the label loss")
    parser.add_argument("--contrast", type=float, default=0.5, help="weight of the contrastive loss")
    args = parser.parse_args()
    args.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.set_num_threads(args.threads)
    torch.manual_seed(SEED)
    torch.backends.cudnn.deterministic = True
    began = time.time()
    if args.cache:
        os.makedirs(args.cache, exist_ok=True)

    spec = load_spec()
    side = spec["height"]
    samples = load_samples(args.data)
    train = [s for s in samples if s.split == TRAIN]
    validation = [s for s in samples if s.split == VALIDATION]
    seen = np.stack([resized_square(s.encoded, side, "F") for s in train]).round().astype(np.uint8)
    held = np.stack([resized_square(s.encoded, side, "F") for s in validation])
    generator = np.random.default_rng(SEED)
    synthetic = np.stack([synthetic_image(generator, TEACHER_SIDE)[None] for _ in range(SYNTHETIC)])
    images = torch.from_numpy(np.concatenate(
        [np.stack([resized_square(s.encoded, TEACHER_SIDE, "F") for s in train]).round().astype(np.uint8), synthetic]))
    boxes = view_boxes(len(images), generator)
    log(f"{len(train)} images of training patients, {len(validation)} of validation patients, {SYNTHETIC} synthetic; "
        f"{args.device}")
    targets = teacher_targets(args, load_teacher(args.data, args.device), images, boxes)
    findings, kermany, contrast, groups, weight = label_tables(train)
    contrast = torch.cat([contrast, torch.arange(SYNTHETIC) + contrast.max() + 1])
    groups = torch.cat([groups, torch.full((SYNTHETIC,), int(groups.max()) + 1)])

    network = Network().to(args.device, memory_format=torch.channels_last)
    heads = Heads().to(args.device)
    average = Average(network)
    log(f"{sum(p.numel() for p in network.parameters())} parameters")
    # NIH is the smaller source: each of its images is drawn twice an epoch.
    nih = [i for i, s in enumerate(train) if s.source == "nih"]
    pool = np.array(list(range(len(train))) + nih)
    drawn_synthetic = BATCH // 4
    drawn_real = BATCH - drawn_synthetic
    batches = len(pool) // drawn_real
    steps = args.epochs * batches
    decayed = [p for m in (network, heads) for p in m.parameters() if p.ndim > 1]
    plain = [p for m in (network, heads) for p in m.parameters() if p.ndim <= 1]
    optimiser = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0}], lr=2e-3)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda s: min(1, (s + 1) / (2 * batches)) * (0.5 + 0.5 * math.cos(math.pi * min(1, s / steps))) + 1e-3)
    random = torch.Generator().manual_seed(SEED)

    step = 0
    for epoch in range(args.epochs):
        network.train()
        # Small images first: the same steps at less than half the cost.
        part = epoch / args.epochs
        size = 128 if part < 0.5 else 160 if part < 0.75 else side
        order = generator.permutation(pool)
        sums, epoch_began = torch.zeros(4), time.time()
        for b in range(batches):
            real = order[b * drawn_real : (b + 1) * drawn_real]
            made = len(train) + np.tile(generator.choice(SYNTHETIC, drawn_synthetic // 2, replace=False), 2)
            chosen = torch.from_numpy(np.concatenate([real, made]))
            view = torch.from_numpy(generator.integers(0, VIEWS, len(chosen)))
            pixels = images[chosen].to(args.device).float() / 255
            pixels = change_grey(cut(pixels, boxes[chosen, view], size, random), random)
            embedded = network.embed((pixels - spec["mean"][0]) / spec["std"][0])
            distil = (1 - F.cosine_similarity(heads.teacher(embedded), targets[chosen, view].to(args.device))).mean()
            x, real = embedded[:drawn_real], torch.from_numpy(real)
            is_nih = (kermany[real] < 0).nonzero().flatten()
            is_kermany = (kermany[real] >= 0).nonzero().flatten()
            bce = F.binary_cross_entropy_with_logits(
                heads.findings(x[is_nih]), findings[real[is_nih]].to(args.device), reduction="none").mean(1)
            labels = (bce * weight[real[is_nih]].to(args.device)).mean() + F.cross_entropy(
                heads.kermany(x[is_kermany]), kermany[real[is_kermany]].to(args.device), label_smoothing=0.1)
            together = contrastive(embedded, contrast[chosen].to(args.device), groups[chosen].to(args.device), TEMPERATURE)
            loss = args.distil * distil + args.labels * labels + args.contrast * together
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 2.0)
            optimiser.step()
            schedule.step()
            average.update(network, step)
            step += 1
            sums += torch.stack([loss, distil, labels, together]).detach().cpu()
        means = " ".join(f"{n} {v:.3f}" for n, v in zip(["loss", "distil", "labels", "contrast"], (sums / batches).tolist()))
        log(f"epoch {epoch + 1}/{args.epochs} at {size}: {means}; {time.time() - epoch_began:.0f} s, "
            f"{(time.time() - began) / 60:.1f} min in all")
        if (epoch + 1) % 10 == 0 and epoch + 1 < args.epochs:
            log("validation:", summary(embeddings_of(average.network, held, spec, args.device), validation))

    made = np.stack([np.asarray(Image.fromarray(s[0]).resize((side, side), Image.BILINEAR))[None] for s in synthetic])
    recalibrate(average.network, seen, made, spec, args.device)
    log("validation:", summary(embeddings_of(average.network, held, spec, args.device), validation))
    path = os.path.join(args.out, "medvec-xray-v1.pt")
    digest = export.save(average.network, spec, path)
    export.check(average.network, spec, path)
    log(f"wrote medvec-xray-v1.pt: {os.path.getsize(path)} bytes, SHA-256 {digest}, {(time.time() - began) / 60:.1f} min")


if __name__ == "__main__":
    main()
