"""Views of an image (where it is cut, by which the teacher's features are told apart) and changes of its greys."""

import numpy as np
import torch
import torch.nn.functional as F

VIEWS = 4  # per image: as it is, mirrored, two random crops


def view_boxes(count, generator):
    """Centre x, centre y, half side (the whole image is 0, 0, 1) and mirroring of each view of each image."""
    boxes = np.zeros((count, VIEWS, 4), np.float32)
    boxes[:, :, 2] = 1
    boxes[:, 1, 3] = 1
    half = generator.uniform(0.6, 0.95, (count, VIEWS - 2)).astype(np.float32)
    boxes[:, 2:, 2] = half
    boxes[:, 2:, 0] = generator.uniform(-1, 1, half.shape) * (1 - half)
    boxes[:, 2:, 1] = generator.uniform(-1, 1, half.shape) * (1 - half)
    boxes[:, 2:, 3] = generator.random(half.shape) < 0.5
    return torch.from_numpy(boxes)


def cut(pixels, boxes, side, jitter=None):
    """Views of N x 1 x S x S values in 0..1: the boxes, optionally with a small turn, shift and change of size."""
    x, y, half, mirror = boxes.unbind(1)
    turn = torch.zeros_like(x)
    stretch = torch.ones_like(x)
    if jitter is not None:
        n = len(x)
        rand = lambda low, high: torch.rand(n, generator=jitter) * (high - low) + low  # noqa: E731
        turn, stretch = rand(-0.14, 0.14), rand(0.93, 1.07)
        x, y, half = x + rand(-0.05, 0.05), y + rand(-0.05, 0.05), half * rand(0.93, 1.07)
    flip = 1 - 2 * mirror
    cos, sin = torch.cos(turn) * half, torch.sin(turn) * half
    theta = torch.stack([torch.stack([cos * flip * stretch, -sin, x], 1), torch.stack([sin * flip * stretch, cos, y], 1)], 1)
    grid = F.affine_grid(theta.to(pixels.device), [len(x), 1, side, side], align_corners=False)
    return F.grid_sample(pixels, grid, mode="bilinear", padding_mode="border", align_corners=False)


def change_grey(pixels, generator):
    """Brightness, contrast, gamma, a little blur, noise and a blotted box: what differs between machines and exports."""
    n = len(pixels)
    rand = lambda low, high: (torch.rand(n, 1, 1, 1, generator=generator) * (high - low) + low).to(pixels.device)  # noqa: E731
    pixels = pixels.clamp(1e-3, 1) ** torch.exp(rand(-0.5, 0.5))
    middle = pixels.mean(dim=(2, 3), keepdim=True)
    pixels = (pixels - middle) * rand(0.65, 1.4) + middle + rand(-0.15, 0.15)
    blurred = F.avg_pool2d(F.pad(pixels, (1, 1, 1, 1), mode="replicate"), 3, 1)
    pixels = torch.lerp(pixels, blurred, (rand(-1, 1)).clamp(min=0))
    noise = torch.randn(pixels.shape, generator=generator).to(pixels.device)
    pixels = pixels + noise * rand(-0.03, 0.03).clamp(min=0)
    side = pixels.shape[-1]
    for i in torch.nonzero(torch.rand(n, generator=generator) < 0.3).flatten().tolist():
        h, w = (torch.randint(side // 10, side // 3, (2,), generator=generator)).tolist()
        top, left = (torch.randint(0, side - max(h, w), (2,), generator=generator)).tolist()
        pixels[i, :, top : top + h, left : left + w] = torch.rand(1, generator=generator).item()
    return pixels.clamp(0, 1)
