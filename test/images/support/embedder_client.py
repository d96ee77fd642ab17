"""Speaks src/embed/protocol.hpp to a medvec-embedder that it starts; for the tests beside it. Standard library only."""

import json
import os
import socket
import struct
import subprocess
import tempfile

MAGIC = 0x3145564D
VERSION = 1
EMBED, INSPECT, INFO, HEADER, THUMBNAIL, STATUS, DECODE = range(1, 8)
OK, ERROR = 100, 101
CODES = {
    1: "not_an_image", 2: "corrupt_image", 3: "unsupported", 4: "too_large", 5: "timeout", 6: "decoder_died",
    7: "model_missing", 8: "model_changed", 9: "model_refused", 10: "model_failed", 11: "out_of_memory",
    12: "bad_request", 13: "version_mismatch", 14: "internal",
    15: "invalid_argument",
}


class EmbedderError(Exception):
    def __init__(self, payload):
        code, self.image = struct.unpack_from("=II", payload)
        self.code = CODES[code]
        offset, texts = 8, []
        for _ in range(3):
            (length,) = struct.unpack_from("=I", payload, offset)
            texts.append(payload[offset + 4:offset + 4 + length].decode())
            offset += 4 + length
        self.message, self.detail, self.hint = texts
        super().__init__(f"{self.code} (image {self.image}): {self.message} | {self.detail} | {self.hint}")


def blob(data):
    data = data.encode() if isinstance(data, str) else data
    return struct.pack("=I", len(data)) + data


def limits(max_pixels=1 << 28, timeout_ms=10_000, frame=-1):
    return struct.pack("=QIi", max_pixels, timeout_ms, frame)


def header(kind, request_id, length, magic=MAGIC, version=VERSION):
    return struct.pack("=IHHII", magic, version, kind, request_id, length)


class Connection:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(120)
        self.socket.connect(path)
        self.next_id = 1

    def close(self):
        self.socket.close()

    def read(self, count):
        parts = []
        while count > 0:
            part = self.socket.recv(min(count, 1 << 20))
            if not part:
                raise ConnectionError("closed")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def send(self, kind, payload):
        self.next_id += 1
        self.socket.sendall(header(kind, self.next_id, len(payload)) + payload)
        return self.next_id

    def receive(self, request_id=None):
        magic, version, kind, got_id, length = struct.unpack("=IHHII", self.read(16))
        assert magic == MAGIC and version == VERSION, "reply without magic or version"
        assert request_id is None or got_id == request_id, "reply to another request"
        payload = self.read(length)
        if kind == ERROR:
            raise EmbedderError(payload)
        assert kind == OK
        return payload

    def call(self, kind, payload=b""):
        return self.receive(self.send(kind, payload))

    def inspect(self, path, spec=""):
        reply = self.call(INSPECT, blob(path) + blob(spec))
        (length,) = struct.unpack_from("=I", reply)
        sha256 = reply[4:4 + length].decode()
        dimensions, spec_length = struct.unpack_from("=II", reply, 4 + length)
        return sha256, dimensions, reply[12 + length:12 + length + spec_length].decode()

    @staticmethod
    def embed_payload(model, images, **limit):
        path, sha256, dimensions, spec = model
        return b"".join([limits(**limit), blob(path), blob(sha256), blob(spec),
                         struct.pack("=II", dimensions, len(images))] + [blob(image) for image in images])

    def embed(self, model, images, **limit):
        """The vectors, each as the bytes of its float32."""
        reply = self.call(EMBED, self.embed_payload(model, images, **limit))
        count, dimensions = struct.unpack_from("=II", reply)
        assert count == len(images) and len(reply) == 8 + 4 * count * dimensions
        size = 4 * dimensions
        return [reply[8 + i * size:8 + (i + 1) * size] for i in range(count)]

    def model(self, path, spec="{}"):
        """What embed takes."""
        return (path, *self.inspect(path, spec))

    def status(self):
        return json.loads(self.call(STATUS)[4:])


class Embedder:
    """A running embedder with its lifeline."""

    def __init__(self, program, decoder, *options):
        self.directory = tempfile.TemporaryDirectory(prefix="medvec-")
        self.path = os.path.join(self.directory.name, "socket")
        self.log = open(os.path.join(self.directory.name, "log"), "w+b")
        self.process = subprocess.Popen([program, "--socket", self.path, "--decoder", decoder, *options],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log)
        line = self.process.stdout.readline()
        if line != b"ready\n":
            raise RuntimeError(f"the embedder does not start: {line!r} {self.messages()}")

    def connect(self):
        return Connection(self.path)

    def messages(self):
        self.log.seek(0)
        return self.log.read().decode()

    def stop(self):
        """Closes the lifeline; the exit status."""
        self.process.stdin.close()
        return self.process.wait(timeout=10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()
        self.directory.cleanup()
