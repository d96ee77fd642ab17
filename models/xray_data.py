"""The chest X-rays the default model learns from: reading, labels, patients, split and preprocessing.

Two sources that differ in everything (adults and children, PNG and JPEG, hospital and machine), so a label is only ever
compared within its source, and within NIH only within a view position.
"""

import csv
import gzip
import hashlib
import io
import json
import os
import re
import tarfile
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageOps

# Findings of ChestX-ray14 that are frequent enough in the 826 images to learn anything from.
NIH_FINDINGS = ["Pneumonia", "Infiltration", "Edema", "Effusion", "Atelectasis", "Consolidation"]
KERMANY_LABELS = ["normal", "bacteria", "virus"]

TRAIN, VALIDATION, TEST = "train", "validation", "test"


@dataclass
class Sample:
    source: str  # "nih" or "kermany"
    name: str
    patient: str
    group: str  # labels are compared only within a group: source, and for NIH the view position
    label: str  # "normal", "pneumonia" (NIH), "bacteria", "virus" (Kermany)
    split: str
    findings: frozenset = field(default_factory=frozenset)
    encoded: bytes = b""


def split_of(source, patient):
    """About 70 % train, 10 % validation, 20 % test: by a hash of the patient, so that it depends on no order."""
    digest = hashlib.sha256(f"medvec-split-1:{source}:{patient}".encode()).digest()
    bucket = int.from_bytes(digest[:4], "big") % 100
    return TRAIN if bucket < 70 else VALIDATION if bucket < 80 else TEST


def _members(path):
    with tarfile.open(path) as archive:
        for member in sorted((m for m in archive if m.isfile()), key=lambda m: m.name):
            yield os.path.basename(member.name), archive.extractfile(member).read()


def _load_nih(folder):
    with gzip.open(os.path.join(folder, "nih_metadata.csv.gz"), "rt", newline="") as text:
        rows = {row["Image Index"]: row for row in csv.DictReader(text)}
    for name, encoded in _members(os.path.join(folder, "nih_chest_256.tar")):
        row = rows[name]
        findings = frozenset(row["Finding Labels"].split("|"))
        patient = row["Patient ID"]
        label = "normal" if "No Finding" in findings else "pneumonia" if "Pneumonia" in findings else "other"
        yield Sample("nih", name, f"nih:{patient}", f"nih {row['View Position']}", label, split_of("nih", patient),
                     findings, encoded)


def kermany_patient_and_label(name):
    """person12_bacteria_47.jpg: patient person12. IM-0115-0001.jpg, NORMAL2-IM-0558-0001.jpg: the first number is taken
    as the patient, whichever the prefix (the source does not say; taking two patients for one only excludes more)."""
    match = re.match(r"person(\d+)_(bacteria|virus)_", name)
    if match:
        return f"person{match[1]}", match[2]
    match = re.match(r"(?:NORMAL\d*-)?IM-(\d+)-", name)
    if match:
        return f"normal{match[1]}", "normal"
    raise ValueError(f"unexpected file name {name}")


def _load_kermany(folder):
    for name, encoded in _members(os.path.join(folder, "kermany_chest_224.tar")):
        patient, label = kermany_patient_and_label(name)
        yield Sample("kermany", name, f"kermany:{patient}", "kermany", label, split_of("kermany", patient),
                     encoded=encoded)


def load_samples(data):
    folder = os.path.join(data, "xray")
    return [*_load_nih(folder), *_load_kermany(folder)]


def load_spec():
    """The preprocessing spec of the default model: the one source for training, evaluation and the exported file."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "medvec-xray-v1.json"), encoding="utf-8") as text:
        return json.load(text)


def resized_square(encoded, side, mode):
    """Shorter side to `side` (antialiased bilinear on float values), then the centre square; 0..255 floats.

    mode "F" is grey by Rec. 601, "RGB" gives three planes. Returns an array of C x side x side.
    """
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(encoded)))
    planes = image.convert("L").split() if mode == "F" else image.convert("RGB").split()
    width, height = image.size
    scale = side / min(width, height)
    # As the embedder and torchvision do it: the longer side cut off to whole pixels, the crop rounded half to even.
    size = (max(side, int(width * scale + 1e-6)), max(side, int(height * scale + 1e-6)))
    left, top = round((size[0] - side) / 2), round((size[1] - side) / 2)
    out = [np.asarray(p.convert("F").resize(size, Image.BILINEAR), np.float32)[top : top + side, left : left + side]
           for p in planes]
    return np.stack(out)


def normalised(pixels, spec):
    """0..255 values of shape N x C x H x W to what the network takes."""
    mean = np.asarray(spec["mean"], np.float32)[:, None, None]
    std = np.asarray(spec["std"], np.float32)[:, None, None]
    return (np.asarray(pixels, np.float32) / 255 - mean) / std
