"""What the image tests share: where the decoder and the data are, and how the tests report."""

import os
import pathlib
import subprocess
import sys
import tarfile

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
SKIP = 77  # the exit status by which a test says that it did not run


def decoder():
    path = os.environ.get("MEDVEC_DECODER", REPOSITORY / "build/cmake/embedder/medvec-decoder")
    if not os.access(path, os.X_OK):
        skip(f"no decoder at {path}; build it, or name it in MEDVEC_DECODER")
    return str(path)


def data():
    path = pathlib.Path(os.environ.get("MEDVEC_DATA", REPOSITORY.parent / "shared/data"))
    if not path.is_dir():
        skip(f"no data at {path}; name the folder in MEDVEC_DATA")
    return path


def skip(reason):
    print(f"SKIPPED: {reason}")
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(SKIP)


def unpack(archive, into):
    """The regular files of a tar archive, as a sorted list of paths below `into`."""
    if not archive.is_file():
        skip(f"{archive} is missing")
    target = into / archive.name.split(".")[0]
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            if member.isfile() and not os.path.isabs(member.name) and ".." not in pathlib.PurePath(member.name).parts:
                tar.extract(member, target)
    return sorted(p for p in target.rglob("*") if p.is_file())


def run(*arguments):
    """The decoder's standard output; raises Refused with what it said."""
    done = subprocess.run([decoder(), *map(str, arguments)], capture_output=True, timeout=60)
    if done.returncode == 1:
        raise Refused(done.stderr.decode(errors="replace").strip())
    if done.returncode != 0:
        raise RuntimeError(f"decoder ended with {done.returncode}: {done.stderr[-300:]}")
    return done.stdout


class Refused(Exception):
    pass


class Tally:
    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.skipped = {}

    def ok(self):
        self.passed += 1

    def fail(self, what, why):
        self.failed += 1
        print(f"FAILED: {what}: {why}")

    def skip(self, why):
        self.skipped[why] = self.skipped.get(why, 0) + 1

    def finish(self):
        for why, count in sorted(self.skipped.items(), key=lambda item: -item[1]):
            print(f"skipped {count}: {why}")
        print(f"{self.passed} passed, {self.failed} failed, {sum(self.skipped.values())} skipped")
        sys.exit(1 if self.failed else 0)
