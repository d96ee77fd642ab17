#!/usr/bin/python3
"""The real embedder and decoder, over the protocol: vectors of real X-rays, and what happens when something goes wrong.

Vectors are held against PyTorch (python3-torch, where it is installed) on the same decoded input. Needs numpy and the
data folder; MEDVEC_EMBEDDER and MEDVEC_DECODER name programs other than those of build/cmake.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import sys
import tarfile
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "support"))

import numpy as np

from common import REPOSITORY, Tally, data, decoder, skip
from embedder_client import (DECODE, EMBED, HEADER, INFO, STATUS, THUMBNAIL, Connection, Embedder, EmbedderError, blob,
                             header, limits)

TOLERANCE = 2e-5  # relative, against PyTorch's own execution: folded batch norms, other orders of summation
HOSTILE = REPOSITORY / "test/unit/embedder/data"


def embedder_program():
    path = os.environ.get("MEDVEC_EMBEDDER", REPOSITORY / "build/cmake/embedder/medvec-embedder")
    if not os.access(path, os.X_OK):
        skip(f"no embedder at {path}; build it, or name it in MEDVEC_EMBEDDER")
    return str(path)


def x_rays(count):
    archive = data() / "xray/nih_chest_256.tar"
    if not archive.is_file():
        skip(f"{archive} is missing")
    images = []
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.name.endswith(".png"):
                images.append(tar.extractfile(member).read())
                if len(images) == count:
                    break
    return images


def start(*options):
    return Embedder(embedder_program(), decoder(), "--model-directory", str(data() / "models"), "--model-directory",
                    str(HOSTILE), "--threads", "2", *options)


def expect(condition, what="does not hold"):
    if not condition:
        raise AssertionError(what)


def error_of(function, *arguments, **named):
    try:
        function(*arguments, **named)
    except EmbedderError as error:
        return error
    raise AssertionError("no error")


MODELS = {"mobilenet_v2_imagenet_1280": 1280, "squeezenet1_1_imagenet_512": 512,
          "resnet50v2_trunc3_imagenet_1024": 1024}
IMAGES = x_rays(32)


def model_of(connection, name="squeezenet1_1_imagenet_512"):
    return connection.model(str(data() / "models" / f"{name}.pt"))


def decoded(images, spec):
    """The networks' input, by the decoder's own command."""
    with tempfile.TemporaryDirectory() as directory:
        spec_file = pathlib.Path(directory, "spec.json")
        spec_file.write_text(spec)
        inputs = []
        for image in images:
            file = pathlib.Path(directory, "image")
            file.write_bytes(image)
            out = subprocess.run([decoder(), "decode", spec_file, file], capture_output=True, check=True).stdout
            inputs.append(np.frombuffer(out, np.float32).reshape(3, 224, 224))
    return np.stack(inputs)


def test_vectors_are_pytorchs():
    with start() as embedder:
        connection = embedder.connect()
        for name, dimensions in MODELS.items():
            model = model_of(connection, name)
            path, sha256, found, spec = model
            expect(found == dimensions, f"{name}: {found} dimensions")
            expect(sha256 == hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest(), "hash")
            expect(json.loads(spec)["mean"] == [0.485, 0.456, 0.406], "spec is not complete")
            vectors = np.stack([np.frombuffer(v, np.float32) for v in connection.embed(model, IMAGES[:8])])
            expect(np.isfinite(vectors).all() and len(np.unique(vectors, axis=0)) == 8, "vectors are not those of 8 images")
            try:
                import torch
            except ImportError:
                print("  not compared: python3-torch is not installed")
                continue
            with torch.no_grad():
                network = torch.jit.load(path).eval()
                expected = network(torch.from_numpy(decoded(IMAGES[:8], spec))).numpy()
            difference = np.linalg.norm(vectors - expected, axis=1) / np.linalg.norm(expected, axis=1)
            print(f"  {name}: largest relative difference {difference.max():.1e}")
            expect(difference.max() < TOLERANCE, f"{name} differs by {difference.max()}")


def test_same_image_same_vector():
    with start() as embedder:
        connection = embedder.connect()
        model = model_of(connection, "mobilenet_v2_imagenet_1280")
        together = connection.embed(model, IMAGES)
        expect(together == connection.embed(model, IMAGES), "a second call differs")
        expect(together == [connection.embed(model, [image])[0] for image in IMAGES], "one by one differs")
        expect(together[::-1] == connection.embed(model, IMAGES[::-1]), "another order differs")
        expect(connection.embed(model, []) == [], "no image")
    with start() as embedder:
        expect(together == embedder.connect().embed(model, IMAGES), "another process differs")


def test_sixteen_connections():
    with start() as embedder:
        model = model_of(embedder.connect())
        expected = embedder.connect().embed(model, IMAGES)

        def client(number):
            connection = embedder.connect()
            for i in range(6):
                some = [(number + i + k) % len(IMAGES) for k in range(5)]
                expect(connection.embed(model, [IMAGES[k] for k in some]) == [expected[k] for k in some])
            return True

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            expect(all(pool.map(client, range(16))))
        status = embedder.connect().status()
        expect(len(status["models"]) == 1 and status["images"] == 32 + 16 * 6 * 5 and status["threads"] == 2, status)
        expect(1 <= status["decoders"] <= 2 and status["decoder_deaths"] == 0 and status["errors"] == 0, status)


def test_hundreds_of_idle_connections():
    with start() as embedder:
        idle = [embedder.connect() for _ in range(400)]
        for connection in idle:
            connection.status()
        model = model_of(idle[7])
        expect(len(idle[399].embed(model, IMAGES[:2])) == 2)
        for connection in idle[:399]:
            connection.close()
        expect(len(idle[399].embed(model, IMAGES[:2])) == 2)


def test_relayed_requests():
    with start() as embedder:
        connection = embedder.connect()
        info = connection.call(INFO, limits() + blob(IMAGES[0]))
        expect(b"png" in info and b"256" in info, info)
        thumbnail = connection.call(THUMBNAIL, limits() + struct.pack("=I", 64) + blob(IMAGES[0]))
        expect(thumbnail[4:8] == b"\x89PNG")
        expect(error_of(connection.call, HEADER, limits() + blob(IMAGES[0])).code != "internal")
        expect(error_of(connection.call, INFO, limits() + blob(b"GIF89a")).code == "not_an_image")
        error = error_of(connection.call, THUMBNAIL, limits(max_pixels=100) + struct.pack("=I", 64) + blob(IMAGES[0]))
        expect(error.code == "too_large", str(error))


def test_the_failing_image_is_named():
    with start() as embedder:
        connection = embedder.connect()
        model = model_of(connection)
        broken = IMAGES[5][:len(IMAGES[5]) // 2]
        for position in (0, 9, 19):
            error = error_of(connection.embed, model, IMAGES[:position] + [broken] + IMAGES[:19 - position])
            expect(error.image == position and error.code == "corrupt_image", str(error))
        # Of several, the first.
        error = error_of(connection.embed, model, IMAGES[:6] + [b"GIF89a", IMAGES[0], broken])
        expect(error.image == 6 and error.code == "not_an_image", str(error))
        expect(len(connection.embed(model, IMAGES[:3])) == 3, "and goes on")


def test_models_that_are_not_as_registered():
    with tempfile.TemporaryDirectory() as directory, start("--model-directory", directory) as embedder:
        connection = embedder.connect()
        path = os.path.join(directory, "model.pt")
        source = data() / "models/squeezenet1_1_imagenet_512.pt"
        shutil.copy(source, path)
        model = connection.model(path)
        expect(len(connection.embed(model, IMAGES[:1])) == 1)
        expect(error_of(connection.embed, (path, "0" * 64, 512, "{}"), IMAGES[:1]).code == "model_changed")
        expect(error_of(connection.embed, (path, model[1], 511, "{}"), IMAGES[:1]).code == "model_failed")
        shutil.copy(data() / "models/mobilenet_v2_imagenet_1280.pt", path)
        error = error_of(connection.embed, model, IMAGES[:1])
        expect(error.code == "model_changed" and error.detail and error.hint, str(error))
        os.remove(path)
        error = error_of(connection.embed, model, IMAGES[:1])
        expect(error.code == "model_missing" and error.hint, str(error))
        shutil.copy(source, path)
        expect(len(connection.embed(model, IMAGES[:1])) == 1, "the file is back")
        expect(error_of(connection.inspect, "/etc/passwd").code == "model_missing")
        expect(error_of(connection.inspect, os.path.join(directory, "none.pt")).code == "model_missing")


def test_models_that_are_refused():
    with start() as embedder:
        connection = embedder.connect()
        for name, operation in {"reads_file": "aten::from_file", "writes_file": "aten::save",
                                "hides_in_setstate": "aten::save", "random": "aten::rand"}.items():
            error = error_of(connection.inspect, str(HOSTILE / f"{name}.pt"), "{}")
            expect(error.code == "model_refused" and operation in error.detail, str(error))
        for name, spec in {"spatial": "", "tuple": "{}", "remembers_in_place": "{}", "infinite": "{}",
                           "good": '{"height": "tall"}'}.items():
            error = error_of(connection.inspect, str(HOSTILE / f"{name}.pt"), spec)
            expect(error.code == "model_refused", str(error))
        # Also by way of embed, without registration.
        path = HOSTILE / "writes_file.pt"
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        expect(error_of(connection.embed, (str(path), sha256, 3, "{}"), IMAGES[:1]).code == "model_refused")
        sha256, dimensions, spec = connection.inspect(str(HOSTILE / "good.pt"))
        expect(dimensions == 4 and json.loads(spec)["height"] == 8)


def decoders_of(embedder):
    """The processes that decode: grandchildren, by way of the one they are forked from."""
    def children(pid):
        return [int(child) for task in os.listdir(f"/proc/{pid}/task")
                for child in pathlib.Path(f"/proc/{pid}/task/{task}/children").read_text().split()]

    return [child for zygote in children(embedder.process.pid) for child in children(zygote)]


def test_killed_decoders_are_replaced():
    with start() as embedder:
        connection = embedder.connect()
        model = model_of(connection)
        expected = connection.embed(model, IMAGES)
        for pid in decoders_of(embedder):  # idle ones: nobody notices
            os.kill(pid, signal.SIGKILL)
        expect(connection.embed(model, IMAGES) == expected)
        for _ in range(10):  # working ones: others take over
            request = connection.send(EMBED, connection.embed_payload(model, IMAGES))
            time.sleep(0.03)
            for pid in decoders_of(embedder):
                os.kill(pid, signal.SIGKILL)
            try:
                connection.receive(request)
            except EmbedderError as error:  # a kill may hit one that is new
                expect(error.code == "decoder_died", str(error))
            expect(connection.embed(model, IMAGES[:4]) == expected[:4])
        print(f"  deaths seen: {connection.status()['decoder_deaths']}")


def test_time_limit_of_an_image():
    with start("--threads", "1") as embedder:
        connection = embedder.connect()
        connection.call(INFO, limits() + blob(IMAGES[0]))
        (pid,) = decoders_of(embedder)
        os.kill(pid, signal.SIGSTOP)  # a decoder that does not even end itself
        began = time.monotonic()
        error = error_of(connection.call, INFO, limits(timeout_ms=300) + blob(IMAGES[0]))
        took = time.monotonic() - began
        expect(error.code == "timeout" and 0.3 <= took < 4, f"{error} after {took}")
        connection.call(INFO, limits() + blob(IMAGES[0]))


def test_clients_that_leave():
    with start() as embedder:
        connection = embedder.connect()
        model = model_of(connection)
        for _ in range(8):
            leaver = embedder.connect()
            leaver.send(EMBED, leaver.embed_payload(model, IMAGES * 20))
            leaver.close()
        for cut in (3, 16, 50, 5000):  # in the middle of a message
            leaver = embedder.connect()
            payload = leaver.embed_payload(model, IMAGES)
            leaver.socket.sendall((header(EMBED, 1, len(payload)) + payload)[:cut])
            leaver.close()
        began = time.monotonic()
        expect(len(connection.embed(model, IMAGES[:2])) == 2)
        time.sleep(0.5)
        images = connection.status()["images"]
        print(f"  answered after {time.monotonic() - began - 0.5:.2f} s; {images} of 5120 abandoned images were embedded")
        expect(images < 1000, "abandoned work is done all the same")


def test_garbage():
    with start() as embedder:
        def raw(data_sent):
            connection = embedder.connect()
            connection.socket.sendall(data_sent)
            return connection

        connection = raw(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        expect(error_of(connection.receive).code == "bad_request")
        connection = raw(header(STATUS, 1, 0xFFFFFFFF))
        expect(error_of(connection.receive).code == "bad_request")
        connection = raw(header(STATUS, 7, 5, version=99) + b"12345")
        error = error_of(connection.receive, 7)
        expect(error.code == "version_mismatch" and error.hint, str(error))

        connection = embedder.connect()
        for kind, payload in [(999, b""), (0, b"xx"), (DECODE, limits() + blob("{}") + blob(IMAGES[0])), (EMBED, b""),
                              (EMBED, b"\xff" * 100), (INFO, b"1234567"), (THUMBNAIL, limits()),
                              (EMBED, limits() + blob("x") + blob("y") + blob("{}") + struct.pack("=II", 4, 1 << 31)),
                              (INFO, limits() + struct.pack("=I", 1 << 30) + b"short")]:
            expect(error_of(connection.call, kind, payload).code == "bad_request", f"kind {kind}")
        expect(connection.status()["pid"] == embedder.process.pid, "the connection is still in step")

        # Two gigabytes announced, and nothing sent: neither memory nor the others are touched.
        waiting = raw(header(EMBED, 1, 0x7FFFFFFF))
        time.sleep(0.2)
        small = raw(header(INFO, 1, 20) + limits())
        expect(connection.status()["pid"] == embedder.process.pid)
        model = model_of(connection)
        expect(len(connection.embed(model, IMAGES)) == len(IMAGES))
        rss = int(pathlib.Path(f"/proc/{embedder.process.pid}/statm").read_text().split()[1]) * 4096
        expect(rss < 500 << 20, f"{rss >> 20} MB")
        waiting.close()
        small.close()


def test_memory_limit():
    with start("--memory-limit", str(400 << 20)) as embedder:
        connection = embedder.connect()
        error = error_of(connection.call, INFO, limits() + blob(bytes(600 << 20)))
        expect(error.code == "out_of_memory", str(error))
        model = model_of(connection)
        error = error_of(connection.embed, (*model[:2], 32767, model[3]), [b""] * 2000)
        expect(error.code == "too_large", str(error))
        expect(len(connection.embed(model, IMAGES[:2])) == 2)


def test_ends_with_its_lifeline():
    with start() as embedder:
        connection = embedder.connect()
        model = model_of(connection)
        connection.send(EMBED, connection.embed_payload(model, IMAGES * 50))
        time.sleep(0.2)
        decoders = decoders_of(embedder)
        began = time.monotonic()
        expect(embedder.stop() == 0 and time.monotonic() - began < 1)
        time.sleep(0.3)
        for pid in decoders:
            expect(not os.path.exists(f"/proc/{pid}") or "Z" in pathlib.Path(f"/proc/{pid}/stat").read_text(), "a decoder is left")
    with start() as embedder:
        embedder.process.send_signal(signal.SIGINT)  # a cancelled supervisor
        embedder.connect().status()
        embedder.process.terminate()
        expect(embedder.process.wait(5) == 0)


def test_ends_with_the_decoders_zygote():
    with start() as embedder:
        (zygote,) = [int(p) for p in
                     pathlib.Path(f"/proc/{embedder.process.pid}/task/{embedder.process.pid}/children").read_text().split()]
        os.kill(zygote, signal.SIGKILL)
        expect(embedder.process.wait(5) == 1)
        expect("decoder has ended" in embedder.messages(), embedder.messages())


def test_is_shut_in():
    with start() as embedder:
        status = dict(line.split(":", 1) for line in
                      pathlib.Path(f"/proc/{embedder.process.pid}/status").read_text().splitlines())
        if "seccomp is not available" not in embedder.messages():
            expect(status["Seccomp"].strip() == "2" and status["NoNewPrivs"].strip() == "1")
        print(f"  said at start: {embedder.messages().strip() or 'nothing'}")


def test_socket_is_private_and_replaced():
    with start() as embedder:
        expect(os.stat(embedder.path).st_mode & 0o777 == 0o600)
        embedder.process.kill()
        embedder.process.wait()
        again = subprocess.Popen([embedder_program(), "--socket", os.path.basename(embedder.path), "--decoder", decoder(),
                                  "--model-directory", str(data() / "models")], cwd=embedder.directory.name,
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        expect(again.stdout.readline() == b"ready\n")
        Connection(embedder.path).status()
        again.stdin.close()
        expect(again.wait(5) == 0)
        again.stdout.close()


def main():
    tally = Tally()
    wanted = sys.argv[1:]
    for name, test in list(globals().items()):
        if not name.startswith("test_") or (wanted and name[5:] not in wanted and name not in wanted):
            continue
        began = time.monotonic()
        print(f"{name[5:].replace('_', ' ')}", flush=True)
        try:
            test()
        except Exception as error:  # noqa: BLE001: one test's failure is not the others'
            tally.fail(name, f"{type(error).__name__}: {error}")
        else:
            tally.ok()
            print(f"  passed in {time.monotonic() - began:.1f} s")
    tally.finish()


if __name__ == "__main__":
    main()
