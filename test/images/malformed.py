#!/usr/bin/python3
"""Broken, hostile and merely odd files through the decoder as the embedder runs it (--control, sandbox, limits).

Every file of malformed/*.tar.xz and dicom/*.tar.xz goes through image_info, dicom_header, thumbnail and decode, each in a
child that the decoder forks. A child must answer, with the result or an error; one that dies is a failure, and so is a
call of more than 10 seconds, a child of more than the memory limit, an answer that is not well formed, or a header that
is not JSON. Ends with a table: decoded (all that was asked), refused (an error for at least one), deaths, timeouts.

MEDVEC_SANITIZED=1: the decoder was built with sanitizers; then without sandbox, and with more time.
"""

import concurrent.futures
import json
import os
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

from common import Tally, data, decoder, unpack

SANITIZED = os.environ.get("MEDVEC_SANITIZED") == "1"
MAGIC, VERSION = 0x3145564D, 1
INFO, HEADER, THUMBNAIL, DECODE = 3, 4, 5, 7
OK, ERROR = 100, 101
CODES = {1: "not_an_image", 2: "corrupt_image", 3: "unsupported", 4: "too_large", 11: "out_of_memory"}
TIMEOUT_MS = 60_000 if SANITIZED else 8_000
LONGEST = 10 * (8 if SANITIZED else 1)
MEMORY = 1 << 30
MAX_PIXELS = 64 << 20
SPEC = json.dumps({"height": 224, "width": 224}).encode()


class Zygote:
    def __init__(self):
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        arguments = [decoder(), "--control", str(theirs.fileno()), "--memory-limit", str(MEMORY)]
        self.process = subprocess.Popen(arguments + (["--no-sandbox"] if SANITIZED else []), pass_fds=[theirs.fileno()])
        theirs.close()
        self.lock = threading.Lock()

    def child(self):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with self.lock:
            socket.send_fds(self.control, [b"c"], [theirs.fileno()])
            pid = struct.unpack("i", self.control.recv(4))[0]
        theirs.close()
        assert pid > 0, f"no child: {os.strerror(-pid)}"
        return ours, pid

    def close(self):
        self.control.close()
        assert self.process.wait(timeout=10) == 0, "the zygote did not end in order"


def receive(connection, count):
    parts = bytearray()
    while len(parts) < count:
        part = connection.recv(min(count - len(parts), 1 << 20))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)


def ask(connection, kind, image):
    limits = struct.pack("=QIi", MAX_PIXELS, TIMEOUT_MS, -1)
    extra = {THUMBNAIL: struct.pack("=I", 128), DECODE: struct.pack("=I", len(SPEC)) + SPEC}.get(kind, b"")
    payload = limits + extra + struct.pack("=I", len(image)) + image
    connection.sendall(struct.pack("=IHHII", MAGIC, VERSION, kind, 7, len(payload)) + payload)
    magic, version, reply, id_, length = struct.unpack("=IHHII", receive(connection, 16))
    assert (magic, version, id_) == (MAGIC, VERSION, 7), "a reply of another shape"
    return reply, receive(connection, length)


def memory(pid):
    """Peak resident bytes, and whether a system call filter is on."""
    fields = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(fields["VmHWM"].split()[0]) << 10, fields.get("Seccomp", "0").strip() == "2"


def well_formed(kind, body):
    if kind == DECODE:
        channels, height, width = struct.unpack_from("=III", body)
        values = struct.unpack_from(f"={channels * height * width}f", body, 12)
        return (channels, height, width) == (3, 224, 224) and len(body) == 12 + 4 * len(values) and \
            all(-3 < v < 3 for v in values)
    if kind == THUMBNAIL:
        return body[4:12] == b"\x89PNG\r\n\x1a\n"
    if kind == HEADER:
        text = body[4:].decode("utf-8")  # strict
        json.loads(text, parse_constant=lambda name: (_ for _ in ()).throw(ValueError(name)))
        return "\\u0000" not in text
    return len(body) >= 8 * 4


def one(zygote, path):
    """What became of one file: its worst outcome, seconds and bytes of the worst call, and what is to be said of it."""
    image = path.read_bytes()
    outcome, slowest, peak, problems, codes, filtered = "decoded", 0.0, 0, [], set(), True
    connection, pid = zygote.child()
    for kind in (INFO, HEADER, THUMBNAIL, DECODE):
        begun = time.monotonic()
        try:
            reply, body = ask(connection, kind, image)
            elapsed = time.monotonic() - begun
            used, filtered = memory(pid)
            peak = max(peak, used)
            if reply == ERROR:
                code, _, length = struct.unpack_from("=III", body)
                message = body[12:12 + length].decode()
                codes.add(CODES.get(code, str(code)))
                if code not in CODES:
                    problems.append(f"kind {kind}: code {code}: {message}")
                if not (kind == HEADER and code == 3):  # PNG and JPEG have no header
                    outcome = "refused"
            elif not well_formed(kind, body):
                problems.append(f"kind {kind}: malformed answer")
        except (EOFError, ConnectionError):
            elapsed = time.monotonic() - begun
            timed_out = elapsed * 1000 >= TIMEOUT_MS
            outcome = "timeout" if timed_out else "death"
            if not timed_out:
                problems.append(f"kind {kind}: the child died after {elapsed:.2f} s")
            connection.close()
            connection, pid = zygote.child()
        except ValueError as error:
            problems.append(f"kind {kind}: {error}")
            elapsed = 0
        slowest = max(slowest, elapsed)
        if elapsed > LONGEST:
            problems.append(f"kind {kind}: took {elapsed:.1f} s")
    connection.close()
    if peak > MEMORY:
        problems.append(f"{peak >> 20} MB of memory")
    return outcome, slowest, peak, problems, codes, filtered


def main():
    tally = Tally()
    folder = data()
    zygote = Zygote()
    all_filtered = True
    with tempfile.TemporaryDirectory() as temporary, concurrent.futures.ThreadPoolExecutor(2) as pool:
        temporary = pathlib.Path(temporary)
        sets = {name: unpack(folder / f"{name}.tar.xz", temporary / name.replace("/", "-"))
                for name in ("malformed/jpeg", "malformed/png", "malformed/dicom", "malformed/j2k", "dicom/corpus",
                             "dicom/mr_series")}
        # JPEG 2000 does not come by itself; every broken codestream also goes in as the pixel data of a DICOM file.
        sets["malformed/j2k in DICOM"] = [wrap(path, temporary / "wrapped" / f"{i}.dcm")
                                          for i, path in enumerate(sets["malformed/j2k"])]
        print(f"{'files':24} {'all':>6} {'decoded':>8} {'refused':>8} {'deaths':>7} {'timeouts':>9} {'slowest s':>10} {'peak MB':>8}")
        for name, paths in sets.items():
            counts = {"decoded": 0, "refused": 0, "death": 0, "timeout": 0}
            slowest, peak = (0.0, ""), 0
            for path, result in zip(paths, pool.map(lambda p: one(zygote, p), paths)):
                outcome, seconds, used, problems, _, filtered = result
                counts[outcome] += 1
                slowest, peak = max(slowest, (seconds, path.name)), max(peak, used)
                all_filtered = all_filtered and filtered
                if problems:
                    tally.fail(path.relative_to(temporary), "; ".join(problems))
                else:
                    tally.ok()
                if outcome == "timeout":
                    print(f"timed out: {path.relative_to(temporary)}")
            print(f"{name:24} {len(paths):6} {counts['decoded']:8} {counts['refused']:8} {counts['death']:7} "
                  f"{counts['timeout']:9} {slowest[0]:10.2f} {peak >> 20:8}")
            sys.stdout.flush()
    zygote.close()
    if not all_filtered:
        print("no system call filter was on" + (" (sanitized build)" if SANITIZED else ": this kernel has none"))
    tally.finish()


def wrap(path, target):
    """A DICOM file, JPEG 2000, whose one fragment is the file; its size read from the codestream where it has one."""
    stream = path.read_bytes()
    at = stream.find(b"\xff\x4f\xff\x51")
    width = height = components = precision = 0
    if 0 <= at and len(stream) >= at + 45:
        x1, y1, x0, y0 = struct.unpack_from(">IIII", stream, at + 8)
        width, height, components = (x1 - x0) & 0xFFFF, (y1 - y0) & 0xFFFF, struct.unpack_from(">H", stream, at + 40)[0]
        precision = (stream[at + 42] & 0x7F) + 1
    stream += b"\0" * (len(stream) % 2)

    def element(tag, vr, value):
        head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr)
        return head + (struct.pack("<HI", 0, len(value)) if vr == b"OB" else struct.pack("<H", len(value))) + value

    def short(tag, value):
        return element(tag, b"US", struct.pack("<H", value))

    syntax = element(0x00020010, b"UI", b"1.2.840.10008.1.2.4.90")
    bits = 8 if precision <= 8 else 16
    body = (short(0x00280002, 3 if components >= 3 else 1) +
            element(0x00280004, b"CS", b"RGB " if components >= 3 else b"MONOCHROME2 ") +
            short(0x00280010, height) + short(0x00280011, width) + short(0x00280100, bits) + short(0x00280101, bits) +
            short(0x00280102, bits - 1) + short(0x00280103, 0))
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0) + struct.pack("<HHI", 0xFFFE, 0xE000, len(stream)) + stream
    pixels = struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OB", 0, 0xFFFFFFFF) + item + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(b"\0" * 128 + b"DICM" + syntax + body + pixels)
    return target


if __name__ == "__main__":
    main()
