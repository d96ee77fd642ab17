"""Import before torch. Two habits of the C libraries make training on a busy machine ten times slower (measured: 47 ms
against 4 ms an image and step, the other core being busy): OpenMP threads that spin while they wait, and buffers of
tens of megabytes given back to the system and faulted in again at every step."""

import ctypes
import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("GOMP_SPINCOUNT", "0")

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
try:
    _libc = ctypes.CDLL(None)
    _libc.mallopt(_M_MMAP_MAX, 0)
    _libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
except (OSError, AttributeError):
    pass  # no glibc: only slower
