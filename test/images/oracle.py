#!/usr/bin/python3
"""Compares the decoder with pydicom, Pillow and numpy on real files.

DICOM: the picture before resizing (`medvec-decoder pixels`) against pydicom's pixel_array, apply_modality_lut and
apply_voi_lut, scaled to 0..1, and then the rules of embedder/decode/README.md that pydicom leaves to its caller: padding,
minimum to maximum where there is no window, inversion, colour. Tolerance, in 0..1:
    uncompressed and lossless   1e-5 everywhere (float32 rounding)
    lossy                       the two inverse transforms may differ by 2 stored codes; colour conversion by 2 more
PNG and JPEG: against Pillow; JPEG to the bit (same library), transparency and CMYK to 1/255.
Resampling: against Pillow's of 32-bit float images, 1e-5 bilinear and bicubic.

Run by Debian's python3 (python3-pydicom, python3-pil, python3-numpy; python3-gdcm for JPEG lossless and JPEG-LS).
"""

import io
import json
import pathlib
import sys
import tempfile
import warnings

from common import Refused, Tally, data, run, skip, unpack

try:
    import numpy as np
    import pydicom
    from PIL import Image, ImageOps
    from pydicom.pixel_data_handlers.util import apply_color_lut, apply_modality_lut, apply_voi_lut, convert_color_space
except ImportError as error:
    skip(f"{error}; this test is for Debian's python3 with python3-pydicom, python3-pil, python3-numpy")

LOSSY = {"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.53", "1.2.840.10008.1.2.4.81",
         "1.2.840.10008.1.2.4.91"}
# Where pydicom is wrong or lenient, and why we differ.
DIFFERENT = {
    "GH195.dcm": "says RGB, its JFIF stream is YCbCr; pydicom converts nothing, the teeth turn green",
    "genFile.dcm": "says JPEG Baseline, holds raw bytes; pydicom shows them",
    "JPEG2000-embedded-sequence-delimiter.dcm": "its JPEG 2000 header was overwritten on purpose; OpenJPEG refuses it",
    "MR1_JLSL": "pydicom reads zeros; ours equals MR1_JPLL and MR1_J2KR, the same image in other lossless codings",
    "OBXXXX1A_expb.dcm": "8-bit samples in big endian OW that were not swapped as PS3.5 asks; pydicom never swaps",
    "SC_rgb_small_odd_big_endian.dcm": "8-bit samples in big endian OW, swapped as PS3.5 asks; pydicom never swaps",
}
tally = Tally()


def read_pnm(raw):
    """PGM, PPM or PFM as the decoder writes them, as float64 0..1, height x width x channels."""
    magic, size, full, pixels = raw.split(b"\n", 3)
    width, height = map(int, size.split())
    channels = 3 if magic in (b"P6", b"PF") else 1
    kind, scale = {b"255": ("u1", 255), b"65535": (">u2", 65535), b"-1": ("<f4", 1)}[full]
    return np.frombuffer(pixels, kind).reshape(height, width, channels).astype(np.float64) / scale


def compare(name, ours, theirs, tolerance, mean_tolerance=None):
    if theirs.ndim == 2:
        theirs = theirs[:, :, None]
    if ours.shape != theirs.shape:
        tally.fail(name, f"shape {ours.shape}, expected {theirs.shape}")
        return
    difference = np.abs(ours - theirs)
    if difference.max() > tolerance or (mean_tolerance is not None and difference.mean() > mean_tolerance):
        worst = np.unravel_index(difference.argmax(), difference.shape)
        tally.fail(name, f"differs by up to {difference.max():.6f} (mean {difference.mean():.6f}, allowed "
                         f"{tolerance:.6f}), at {tuple(map(int, worst))} {ours[worst]:.6f}, expected {theirs[worst]:.6f}")
    else:
        tally.ok()


# --- DICOM -------------------------------------------------------------------------------------------------------------

def grey(ds, stored):
    """Expected picture of one grey frame and the gain from a stored code to it."""
    if stored.dtype.kind in "iu" and ds.BitsAllocated == 16:  # pydicom hands out the words with their unused upper bits
        word = stored.astype(np.int64) & 0xFFFF
        whole = stored
        stored = word & ((1 << ds.BitsStored) - 1)
        if whole.dtype.kind == "i":
            stored = np.where(stored >> (ds.BitsStored - 1) != 0, stored - (1 << ds.BitsStored), stored)
    else:
        whole = stored
    modality = apply_modality_lut(stored, ds).astype(np.float64)
    has_lut = "VOILUTSequence" in ds and len(ds.VOILUTSequence) > 0
    width = ds.get("WindowWidth")
    width = width[0] if isinstance(width, pydicom.multival.MultiValue) else width
    has_window = width is not None and ds.get("WindowCenter") is not None and float(width) >= 1
    padding = np.zeros(stored.shape, bool)
    if ds.get("PixelPaddingValue") is not None:
        mask = (1 << 16) - 1
        sign = ds.PixelRepresentation == 1

        def as_stored(value):
            value = int(value) & mask
            return value - (1 << 16) if sign and value & 0x8000 else value

        low = as_stored(ds.PixelPaddingValue)
        high = as_stored(ds.get("PixelPaddingRangeLimit", ds.PixelPaddingValue))
        low, high = min(low, high), max(low, high)
        padding = ((stored >= low) & (stored <= high)) | ((whole >= low) & (whole <= high))
    slope = abs(float(ds.get("RescaleSlope", 1) or 1))
    gain = 0
    if has_lut:
        shown = apply_voi_lut(modality.astype(int), ds).astype(np.float64)
        shown /= 2 ** ds.VOILUTSequence[0].LUTDescriptor[2] - 1
        gain = 0.02
    elif has_window:
        shown = apply_voi_lut(modality, ds).astype(np.float64)
        if "ModalityLUTSequence" in ds:
            low, high = 0, 2 ** ds.ModalityLUTSequence[0].LUTDescriptor[2] - 1
        elif ds.PixelRepresentation == 0:
            low, high = 0, 2 ** ds.BitsStored - 1
        else:
            low, high = -(2 ** (ds.BitsStored - 1)), 2 ** (ds.BitsStored - 1) - 1
        if "RescaleSlope" in ds and "RescaleIntercept" in ds:
            low, high = (v * ds.RescaleSlope + ds.RescaleIntercept for v in (low, high))
        shown = (shown - float(low)) / float(high - low)
        gain = slope / max(1.0, float(width) - 1)
    else:
        kept = modality[~padding]
        low, high = (kept.min(), kept.max()) if kept.size else (0, 0)
        shown = np.clip((modality - low) / (high - low), 0, 1) if high > low else np.zeros_like(modality)
        gain = slope / max(1e-9, high - low)
    if ds.PhotometricInterpretation == "MONOCHROME1" or ds.get("PresentationLUTShape") == "INVERSE":
        shown = 1 - shown
    return np.where(padding, 0, shown), gain


def colour(ds, stored):
    if ds.PhotometricInterpretation == "PALETTE COLOR":
        bits = ds.RedPaletteColorLookupTableDescriptor[2]
        rgb = apply_color_lut(stored, ds).astype(np.float64)
        return rgb / (255 if bits == 8 and rgb.max() <= 255 else 65535)
    if ds.PhotometricInterpretation in ("YBR_FULL", "YBR_FULL_422"):
        stored = convert_color_space(stored, "YBR_FULL", "RGB")
    return stored.astype(np.float64) / (2 ** ds.BitsStored - 1)


def frames_to_try(ds):
    count = int(ds.get("NumberOfFrames", 1) or 1)
    return [0] if count == 1 else sorted({0, count // 2, count - 1})


def dicom(path, name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ds = pydicom.dcmread(path, force=True)
            if "PixelData" not in ds:
                tally.skip("no pixel data")
                return
            pixels = ds.pixel_array
        except Exception as error:  # whatever the oracle cannot read is not compared
            tally.skip(f"pydicom: {type(error).__name__}: {str(error)[:70]}")
            return
        syntax = str(ds.file_meta.get("TransferSyntaxUID", "")) if hasattr(ds, "file_meta") else ""
        if path.name in DIFFERENT:
            tally.skip(f"{path.name}: {DIFFERENT[path.name]}")
            return
        many = int(ds.get("NumberOfFrames", 1) or 1) > 1
        for frame in frames_to_try(ds):
            stored = pixels[frame] if many else pixels
            try:
                if ds.get("SamplesPerPixel", 1) == 1 and ds.PhotometricInterpretation != "PALETTE COLOR":
                    theirs, gain = grey(ds, stored)
                    tolerance = 1e-5 + (2.1 * gain if syntax in LOSSY else 0)
                else:
                    theirs = colour(ds, stored)
                    tolerance = 6.5 / 255 if syntax in LOSSY else 1.01 / 255 if "YBR" in ds.PhotometricInterpretation \
                        else 1e-4
            except Exception as error:
                tally.skip(f"pydicom's LUTs: {type(error).__name__}: {str(error)[:70]}")
                continue
            try:
                ours = read_pnm(run("--frame", frame, "pixels", path))
            except Refused as refused:
                tally.fail(f"{name} frame {frame}", f"refused: {' '.join(str(refused).split(': ', 1)[-1].split())}")
                continue
            compare(f"{name} frame {frame} ({syntax})", ours, theirs, tolerance)


# --- DICOM headers -------------------------------------------------------------------------------------------------------

COMPARED = {"AE", "AS", "CS", "DA", "DS", "DT", "FL", "FD", "IS", "LO", "LT", "PN", "SH", "SL", "SS", "ST", "TM", "UC",
            "UI", "UL", "US", "UT"}


def number(value):
    try:
        return float(np.float32(value))  # FL: we write the shortest text of the float, pydicom of the double
    except (TypeError, ValueError):
        return value


def values(element):
    """Values with pydicom's and our spelling of emptiness and padding made one."""
    out = element.get("Value") or []
    out = [None if v in ("", {}) else v for v in out]
    if element["vr"] in ("DS", "IS", "FL", "FD"):
        out = [number(v) for v in out]
    if element["vr"] in ("CS", "UI", "LO", "SH"):
        out = [v.strip() if isinstance(v, str) else v for v in out]
    return [] if out == [None] else out


def differences(ours, theirs, where=""):
    for tag in sorted(set(ours) | set(theirs)):
        if tag.endswith("0000") or tag >= "7FE0" or tag == "00080005":
            continue
        if tag not in ours or tag not in theirs:
            if ours.get(tag, theirs.get(tag))["vr"] not in ("OB", "OW", "OD", "OF", "OL", "UN", "SQ"):
                yield f"{where}{tag} is only in {'ours' if tag in ours else 'theirs'}"
            continue
        a, b = ours[tag], theirs[tag]
        if a["vr"] == b["vr"] == "SQ":
            items = a.get("Value", []), b.get("Value", [])
            if len(items[0]) != len(items[1]):
                yield f"{where}{tag} has {len(items[0])} items, expected {len(items[1])}"
            for x, y in zip(*items):
                yield from differences(x, y, f"{where}{tag}/")
        elif a["vr"] == b["vr"] and a["vr"] in COMPARED and values(a) != values(b):
            yield f"{where}{tag} {a['vr']} differs"


HEADER_DIFFERENT = {
    "GH179A.dcm": "a length field is broken; pydicom swallows the rest into one value",
    "GH195.dcm": "a DS of 1.9.10.0, which pydicom leaves out and we keep as a string",
    "GH1301.dcm": "bytes above 0x7f in a code string, where no character set applies; ours are U+FFFD",
    "gdcm-CT-MONO2-8-abdo.dcm": "spaces within a UID, which DCMTK takes out",
    "CTImage.dcm_BigEndianExplicitTransferSyntax_1.2.840.10008.1.2.2.dcm":
        "private elements in big endian, whose bytes pydicom does not swap",
}


def header(path, name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ds = pydicom.dcmread(path, force=True)
            theirs = ds.to_json_dict(bulk_data_threshold=1 << 30, bulk_data_element_handler=lambda e: "", suppress_invalid_tags=True)
        except Exception as error:
            tally.skip(f"pydicom's header: {type(error).__name__}: {str(error)[:60]}")
            return
    if path.name in HEADER_DIFFERENT:
        tally.skip(f"header of {path.name}: {HEADER_DIFFERENT[path.name]}")
        return
    try:
        ours = json.loads(run("header", path))
    except Refused as refused:
        tally.skip(f"header refused: {' '.join(str(refused).split(': ', 1)[-1].split())}")
        return
    found = list(differences(ours, theirs))
    tally.fail(f"header of {name}", "; ".join(found[:5])) if found else tally.ok()


# --- PNG and JPEG --------------------------------------------------------------------------------------------------------

def on_black(image):
    """Pillow's picture as 0..1, transparency laid over black."""
    if image.mode in ("P", "PA", "LA", "RGBA") or "transparency" in image.info:
        rgba = np.asarray(image.convert("RGBA")).astype(np.float64) / 255
        rgb = rgba[:, :, :3] * rgba[:, :, 3:]
        return rgb if image.mode not in ("LA", "L", "1", "I") else rgb[:, :, :1]
    if image.mode in ("I", "I;16"):
        return np.asarray(image).astype(np.float64) / 65535
    if image.mode == "1":
        return np.asarray(image).astype(np.float64)
    if image.mode == "CMYK":
        image = image.convert("RGB")
    return np.asarray(image).astype(np.float64) / 255


def check(name, folder, encoded, theirs, tolerance):
    path = folder / "variant"
    path.write_bytes(encoded)
    try:
        compare(name, read_pnm(run("pixels", path)), theirs, tolerance)
    except Refused as refused:
        tally.fail(name, f"refused: {refused}")


def encode(image, **options):
    out = io.BytesIO()
    image.save(out, **options)
    return out.getvalue()


def interlaced_png(pixels, depth, colour_type):
    """A PNG of 8 or 16 bits with Adam7 interlacing, which Pillow does not write. `pixels`: height x width x channels."""
    import struct
    import zlib

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    height, width, _ = pixels.shape
    kind = ">u2" if depth == 16 else "u1"
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    raw = b"".join(b"\0" + row.astype(kind).tobytes() for x, y, dx, dy in passes
                   for row in pixels[y::dy, x::dx] if row.size)
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")


def png_variants(folder, picture):
    rgb = picture.convert("RGB")
    rng = np.random.default_rng(1)
    height, width = picture.height, picture.width
    alpha = Image.fromarray(rng.integers(0, 256, (height, width), dtype=np.uint8))
    rgba = rgb.copy()
    rgba.putalpha(alpha)
    la = picture.convert("L")
    la.putalpha(alpha)
    wide = rng.integers(0, 65536, (height, width), dtype=np.uint16)
    palette = rgb.quantize(200)
    variants = {"grey": picture.convert("L"), "rgb": rgb, "rgba": rgba, "grey with alpha": la, "palette": palette,
                "one bit": picture.convert("1"), "16 bits": Image.fromarray(wide.astype(np.int32), "I")}
    for label, image in variants.items():
        encoded = encode(image, format="PNG")
        check(f"PNG {label}", folder, encoded, on_black(Image.open(io.BytesIO(encoded))),
              1.01 / 255 if "A" in image.mode else 1e-6)
    for bits in (1, 2, 4):
        few = rgb.quantize(2 ** bits)
        encoded = encode(few, format="PNG", bits=bits)
        check(f"PNG palette of {bits} bits", folder, encoded, on_black(Image.open(io.BytesIO(encoded))), 1e-6)
    encoded = encode(palette, format="PNG", transparency=bytes(range(200)))
    check("PNG palette with tRNS", folder, encoded, on_black(Image.open(io.BytesIO(encoded))), 1.01 / 255)
    encoded = encode(picture.convert("L"), format="PNG", transparency=128)
    check("PNG grey with tRNS", folder, encoded, on_black(Image.open(io.BytesIO(encoded))), 1.01 / 255)
    grey8 = np.asarray(picture.convert("L"))[:, :, None]
    check("PNG interlaced", folder, interlaced_png(grey8, 8, 0), grey8 / 255.0, 1e-6)
    check("PNG interlaced 16 bits", folder, interlaced_png(wide[:, :, None], 16, 0), wide / 65535.0, 1e-6)
    rgb16 = rng.integers(0, 65536, (height, width, 3))
    check("PNG interlaced RGB 16 bits", folder, interlaced_png(rgb16, 16, 2), rgb16 / 65535.0, 1e-6)
    rgba16 = rng.integers(0, 65536, (height, width, 4))
    check("PNG interlaced RGBA 16 bits", folder, interlaced_png(rgba16, 16, 6),
          rgba16[:, :, :3] / 65535.0 * (rgba16[:, :, 3:] / 65535.0), 1e-4)


def jpeg_variants(folder, picture):
    rng = np.random.default_rng(2)
    height, width = picture.height, picture.width - picture.width % 3 - 1  # no multiple of a block
    ramp = np.stack([np.tile(np.linspace(0, 255, width), (height, 1)),
                     np.tile(np.linspace(255, 0, height), (width, 1)).T,
                     np.asarray(picture.convert("L").resize((width, height)))], 2)
    colourful = Image.fromarray(ramp.astype(np.uint8))
    cmyk = Image.fromarray(np.concatenate([ramp, rng.integers(0, 90, (height, width, 1))], 2).astype(np.uint8), "CMYK")
    for label, image, options in [
            ("grey", picture.convert("L"), {}), ("colour 4:2:0", colourful, {"subsampling": 2}),
            ("colour 4:2:2", colourful, {"subsampling": 1}), ("colour 4:4:4", colourful, {"subsampling": 0}),
            ("progressive", colourful, {"progressive": True}), ("CMYK", cmyk, {}),
            ("quality 20", colourful, {"quality": 20})]:
        encoded = encode(image, format="JPEG", **options)
        check(f"JPEG {label}", folder, encoded, on_black(Image.open(io.BytesIO(encoded))),
              1.01 / 255 if label == "CMYK" else 1e-6)
    for orientation in range(1, 9):
        for order in ("<", ">"):
            exif = Image.Exif()
            exif.endian = order
            exif[0x0112] = orientation
            for mode in ("L", "RGB"):
                encoded = encode(colourful.convert(mode), format="JPEG", exif=exif.tobytes())
                upright = ImageOps.exif_transpose(Image.open(io.BytesIO(encoded)))
                check(f"JPEG {mode} orientation {orientation} {order}", folder, encoded, on_black(upright), 1e-6)
    # Half a picture is refused; a picture without its end marker is not.
    whole = encode(colourful, format="JPEG")
    for label, damaged in [("cut in half", whole[:len(whole) // 2]), ("cut in half with end", whole[:len(whole) // 2] + b"\xff\xd9"),
                           ("progressive cut", encode(colourful, format="JPEG", progressive=True)[:-2000])]:
        path = folder / "variant"
        path.write_bytes(damaged)
        try:
            run("pixels", path)
            tally.fail(f"JPEG {label}", "was decoded")
        except Refused:
            tally.ok()
    check("JPEG without end marker", folder, whole[:-2], on_black(Image.open(io.BytesIO(whole))), 1e-6)


def files(paths, folder):
    for path in paths:
        image = Image.open(path)
        check(path.name, folder, path.read_bytes(), on_black(image), 1e-6)


# --- geometry ------------------------------------------------------------------------------------------------------------

def tensors(folder, picture):
    """The `decode` command against Pillow's resampling of float images, with torchvision's geometry."""
    rng = np.random.default_rng(3)
    sources = {"picture": np.asarray(picture.convert("L")), "noise": rng.integers(0, 256, (301, 517), dtype=np.uint8),
               "tiny": rng.integers(0, 256, (7, 5), dtype=np.uint8), "tall": rng.integers(0, 256, (900, 40), dtype=np.uint8)}
    filters = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}
    for name, pixels in sources.items():
        path = folder / "variant"
        path.write_bytes(encode(Image.fromarray(pixels), format="PNG"))
        height, width = pixels.shape
        source = Image.fromarray(pixels.astype(np.float32) / 255, "F")
        for interpolation, filter_ in filters.items():
            for mode, target_h, target_w, shorter in [("stretch", 224, 224, None), ("stretch", 64, 333, None),
                                                      ("crop", 224, 224, None), ("crop", 224, 224, 256),
                                                      ("crop", 100, 160, None), ("letterbox", 224, 224, None),
                                                      ("letterbox", 31, 500, None)]:
                spec = {"channels": 1, "height": target_h, "width": target_w, "resize": mode, "mean": [0.25], "std": [0.5],
                        "interpolation": interpolation}
                if mode == "crop":
                    spec["shorter_side"] = shorter
                    scale = shorter / min(height, width) if shorter else max(target_h / height, target_w / width)
                    w, h = (max(t, int(v * scale + 1e-6)) for t, v in ((target_w, width), (target_h, height)))
                elif mode == "letterbox":
                    scale = min(target_h / height, target_w / width)
                    w, h = (max(1, int(v * scale + 0.5)) for v in (width, height))
                else:
                    w, h = target_w, target_h
                scaled = np.clip(np.asarray(source.resize((w, h), filter_)), 0, 1)
                left, top = ((round((a - b) / 2.0) if mode == "crop" else -((b - a) // 2))
                             for a, b in ((w, target_w), (h, target_h)))
                expected = np.zeros((target_h, target_w))
                if mode == "letterbox":
                    expected[-top:-top + h, -left:-left + w] = scaled
                else:
                    expected = scaled[top:top + target_h, left:left + target_w]
                (folder / "spec.json").write_text(json.dumps(spec))
                ours = np.frombuffer(run("decode", folder / "spec.json", path), "<f4").reshape(target_h, target_w, 1)
                compare(f"{name} {mode} {target_h} x {target_w} {shorter} {interpolation}", ours.astype(np.float64),
                        (expected - 0.25) / 0.5, 2e-5)


def main():
    folder = data()
    with tempfile.TemporaryDirectory() as temporary:
        temporary = pathlib.Path(temporary)
        xray = unpack(folder / "xray/nih_chest_256.tar", temporary)[:40]
        kermany = unpack(folder / "xray/kermany_chest_224.tar", temporary)[:40]
        picture = Image.open(xray[0])
        files(xray + kermany, temporary)
        png_variants(temporary, picture)
        jpeg_variants(temporary, picture)
        tensors(temporary, picture)
        print(f"PNG, JPEG and resampling: {tally.passed} passed, {tally.failed} failed")
        for archive in ("corpus.tar.xz", "mr_series.tar.xz"):
            for path in unpack(folder / "dicom" / archive, temporary):
                dicom(path, str(path.relative_to(temporary)))
                if archive == "corpus.tar.xz":
                    header(path, str(path.relative_to(temporary)))
    tally.finish()


if __name__ == "__main__":
    main()
