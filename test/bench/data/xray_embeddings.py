#!/usr/bin/env python3
"""Embeds random crops of the X-rays in ../shared/data/xray through a TorchScript network, as a set for index benchmarks.

usage: xray_embeddings.py OUT.f32 [--data ../shared/data] [--crops 5] [--model mobilenet_v2_imagenet_1280.pt]

Each image gives the whole image and crops of 50 to 95 % of its area, half of them mirrored, all resized to 224 x 224: the
seed is the image's name, so a set can be made again, and a longer set contains the shorter one's rows. Rows are float32
without header, appended in rounds (round 0: all whole images, round 1: one crop of each, ...), so an unfinished run
leaves a usable file; a further run goes on where it ended. The 5,032 X-rays give 55,352 rows with --crops 11.
"""
import argparse
import io
import os
import random
import tarfile

import numpy as np
import torch
from PIL import Image

MEAN = np.array([.485, .456, .406], np.float32)
DEVIATION = np.array([.229, .224, .225], np.float32)


def images(folder):
    for archive in ("nih_chest_256.tar", "kermany_chest_224.tar"):
        with tarfile.open(os.path.join(folder, "xray", archive)) as tar:
            for member in tar:
                if member.isfile() and member.name.lower().endswith((".png", ".jpg", ".jpeg")):
                    yield os.path.basename(member.name), tar.extractfile(member).read()


def crop(image, name, number):
    if number > 0:
        rng = random.Random(f"{name} {number}")
        area, ratio = rng.uniform(.5, .95), rng.uniform(.85, 1.18)
        width = min(1., (area * ratio) ** .5) * image.width
        height = min(1., (area / ratio) ** .5) * image.height
        left, top = rng.uniform(0, image.width - width), rng.uniform(0, image.height - height)
        image = image.resize((224, 224), Image.BILINEAR, (left, top, left + width, top + height))
        if rng.random() < .5:
            image = image.transpose(Image.FLIP_LEFT_RIGHT)
    else:
        image = image.resize((224, 224), Image.BILINEAR)
    return ((np.asarray(image, np.float32) / 255 - MEAN) / DEVIATION).transpose(2, 0, 1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--model", default="mobilenet_v2_imagenet_1280.pt")
    parser.add_argument("--crops", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model = torch.jit.load(os.path.join(arguments.data, "models", arguments.model)).eval()
    model = torch.jit.optimize_for_inference(torch.jit.freeze(model))  # half the time; differs by 1e-6 at most
    files = list(images(arguments.data))
    with torch.inference_mode():
        dim = model(torch.zeros(1, 3, 224, 224)).shape[1]
        rows = os.path.getsize(arguments.out) // (4 * dim) if os.path.exists(arguments.out) else 0
        with open(arguments.out, "r+b" if rows else "wb") as out:
            out.seek(rows * 4 * dim)
            work = [(number, i) for number in range(arguments.crops) for i in range(len(files))][rows:]
            for start in range(0, len(work), 16):
                batch = [crop(Image.open(io.BytesIO(files[i][1])).convert("RGB"), files[i][0], number)
                         for number, i in work[start:start + 16]]
                model(torch.from_numpy(np.stack(batch))).numpy().astype(np.float32).tofile(out)
                out.flush()


if __name__ == "__main__":
    main()
