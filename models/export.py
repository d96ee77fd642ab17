"""A trained network to the TorchScript file that medvec loads.

The file holds the frozen program, its constants and the preprocessing spec (medvec.json). TorchScript also stores the
source positions of every instruction (*.debug_pkl), with paths of the machine that wrote it: those records are left out,
and the archive is written again with fixed dates, so that equal weights give equal bytes.
"""

import copy
import hashlib
import io
import json
import os
import struct
import zipfile

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

ALIGNMENT = 64  # of tensor records: what torch's reader maps directly


def _fold(module):
    """Batch normalisation into the convolution before it; no operator that writes its input is left."""
    for child in module.children():
        _fold(child)
        if isinstance(child, nn.ReLU):
            child.inplace = False
    if isinstance(module, nn.Sequential):
        for i in range(len(module) - 1):
            if isinstance(module[i], nn.Conv2d) and isinstance(module[i + 1], nn.BatchNorm2d):
                module[i] = fuse_conv_bn_eval(module[i], module[i + 1])
                module[i + 1] = nn.Identity()


def _folded(network):
    network = copy.deepcopy(network).cpu().eval().to(memory_format=torch.contiguous_format)
    _fold(network)
    centre, project = network.centre, network.project
    scale = torch.rsqrt(centre.running_var + centre.eps)
    folded = nn.Linear(project.in_features, project.out_features)
    folded.weight.data = project.weight.data * scale[:, None]
    folded.bias.data = -centre.running_mean * scale
    network.project, network.centre = folded, nn.Identity()
    return network


def _without_debug_records(archive, top):
    """The zip archive again: no debug records, stored, dates fixed, data aligned by a padding extra field."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as target:
        for record in source.infolist():
            if record.filename.endswith(".debug_pkl"):
                continue
            name = top + "/" + record.filename.split("/", 1)[1]
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.external_attr = 0o644 << 16
            start = out.tell() + 30 + len(name.encode()) + 4
            padding = -start % ALIGNMENT
            info.extra = struct.pack("<2sH", b"FB", padding) + b"Z" * padding
            target.writestr(info, source.read(record))
    return out.getvalue()


def save(network, spec, path):
    """Writes `path` (TorchScript) and returns its SHA-256 as hex."""
    scripted = torch.jit.freeze(torch.jit.script(_folded(network)), optimize_numerics=False)
    buffer = io.BytesIO()
    torch.jit.save(scripted, buffer, _extra_files={"medvec.json": json.dumps(spec, indent=2)})
    name = os.path.splitext(os.path.basename(path))[0]
    data = _without_debug_records(buffer.getvalue(), name)
    with open(path + ".part", "wb") as file:
        file.write(data)
    os.replace(path + ".part", path)
    return hashlib.sha256(data).hexdigest()


def check(network, spec, path):
    """Loads the file as medvec would and compares it with the network it came from."""
    extra = {"medvec.json": ""}
    loaded = torch.jit.load(path, map_location="cpu", _extra_files=extra)
    stored = extra["medvec.json"]
    assert json.loads(stored.decode() if isinstance(stored, bytes) else stored) == spec
    network = copy.deepcopy(network).cpu().eval()
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(7, spec["channels"], spec["height"], spec["width"], generator=generator)
    with torch.no_grad():
        for batch in (images[:1], images, images[:1], images):
            got, want = loaded(batch), network(batch)
            assert got.shape == want.shape and torch.allclose(got, want, atol=1e-5), (got - want).abs().max()
            assert torch.allclose(got.norm(dim=1), torch.ones(len(batch)), atol=1e-5)
            assert torch.equal(got, loaded(batch)), "not deterministic"
        one_by_one = torch.cat([loaded(image[None]) for image in images])
        assert torch.allclose(one_by_one, loaded(images), atol=1e-5), "depends on the batch"
    with zipfile.ZipFile(path) as archive:
        for record in archive.infolist():
            content = archive.read(record)
            for folder in ("/home/", "/tmp/", "/root/", os.getcwd(), os.path.dirname(os.path.abspath(__file__))):
                assert folder == "/" or folder.encode() not in content, (record.filename, folder)
            assert not record.filename.endswith(".debug_pkl")
