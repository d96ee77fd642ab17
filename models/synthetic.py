"""Images made up: so that training sees something other than chests, without anybody's pictures."""

import numpy as np
from PIL import Image, ImageDraw


def texture(generator, side):
    """Noise whose power falls with frequency (natural images: about the square), between 0 and 1."""
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    frequency[0, 0] = 1
    spectrum = np.fft.rfft2(generator.normal(size=(side, side))) / frequency ** generator.uniform(0.7, 1.8)
    spectrum[0, 0] = 0
    values = np.fft.irfft2(spectrum, (side, side))
    return np.clip(0.5 + values / (4 * values.std()), 0, 1)


def shapes(generator, side, count, scale, background, reach):
    """Ellipses and boxes of random grey over one another, larger ones first (a dead-leaves image)."""
    image = Image.new("F", (side, side), float(background))
    draw = ImageDraw.Draw(image)
    for radius in np.sort(generator.pareto(1.2, count) * scale + 3)[::-1]:
        x, y = side / 2 + generator.uniform(-reach, reach, 2) * side / 2
        radius, grey = min(radius, side / 2), float(generator.uniform(0, 255))
        stretch = generator.uniform(0.4, 1)
        box = [x - radius, y - radius * stretch, x + radius, y + radius * stretch]
        if generator.random() < 0.7:
            draw.ellipse(box, fill=grey)
        else:
            draw.rectangle(box, fill=grey)
    return np.asarray(image)


def synthetic_image(generator, side):
    """A scene filling the frame, or one body on a dark ground as CT, MR and ultrasound show it; texture, blur, noise."""
    count = int(generator.integers(10, 120))
    if generator.random() < 0.5:
        pixels = shapes(generator, side, count, side / 30, generator.uniform(0, 255), 1)
        pixels = pixels + (texture(generator, side) - 0.5) * 255 * generator.uniform(0, 1)
    else:
        inner = shapes(generator, side, count, side / 60, generator.uniform(40, 220), generator.uniform(0.4, 0.9))
        inner = inner * (1 - generator.uniform(0, 0.9) * texture(generator, side))
        y, x = (np.mgrid[:side, :side] + 0.5) / (side / 2) - 1
        turn, width, height = generator.uniform(0, np.pi), *generator.uniform(0.35, 0.95, 2)
        x, y = x - generator.uniform(-0.2, 0.2), y - generator.uniform(-0.2, 0.2)
        u, v = (x * np.cos(turn) + y * np.sin(turn)) / width, (y * np.cos(turn) - x * np.sin(turn)) / height
        edge = np.clip((1 + (texture(generator, side) - 0.5) * 0.4 - np.hypot(u, v)) * 30, 0, 1)
        pixels = inner * edge + generator.uniform(0, 25) * (1 - edge)
    small = int(generator.integers(side // 4, side + 1))
    image = Image.fromarray(pixels.astype(np.float32)).resize((small, small), Image.BILINEAR).resize((side, side), Image.BICUBIC)
    noisy = np.asarray(image) + generator.normal(0, generator.uniform(0, 12), (side, side))
    return np.clip(noisy, 0, 255).astype(np.uint8)
