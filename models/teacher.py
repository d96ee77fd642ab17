"""The teacher: MobileNetV2's pooled features (ImageNet weights), 1280 dimensions."""

import os

import torch

TEACHER_SIDE = 224
_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)


def load_teacher(data, device="cpu"):
    path = os.path.join(data, "models", "mobilenet_v2_imagenet_1280.pt")
    return torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.load(path, map_location=device).eval()))


def teacher_input(pixels):
    """N x 1 or 3 x H x W values in 0..1 to what the teacher takes."""
    mean = torch.tensor(_MEAN, device=pixels.device)[:, None, None]
    std = torch.tensor(_STD, device=pixels.device)[:, None, None]
    return (pixels.expand(-1, 3, -1, -1) - mean) / std
