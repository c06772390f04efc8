"""Every way to store a volume's data is read by the other client; every volume it makes is
accepted."""

import os

import pytest

from support import volume_checks
from support.pair import Pair, directions

WAYS = {
    "plain": [],
    "small blocks": ["--block-size", "64K"],
    "large blocks": ["--block-size", "16M"],
    "lz4": ["--compress", "lz4"],
    "zstd": ["--compress", "zstd"],
    "hashed names": ["--hash-prefix"],
    "lz4, hashed, small": ["--compress", "lz4", "--hash-prefix", "--block-size", "256K"],
    "zstd, hashed": ["--compress", "zstd", "--hash-prefix"],
}
MB = 1 << 20


def contents():
    """Name -> bytes: compressible and not, empty, of exact blocks, over a chunk's border."""
    noise = os.urandom(5 * MB + 13)
    return {
        "empty": b"", "one": b"x", "two": b"two", "text": b"some text, again and again. " * 40000,
        "noise": noise, "block": noise[:4 * MB], "64K": noise[:65536], "65K": noise[:65537],
        "zeros": bytes(9 * MB),
    }


def exercise(pair):
    data = contents()
    for name, content in data.items():
        with open(pair.writer.path(name), "wb") as file:
            file.write(content)
    border = b"over the border" * 1000
    with open(pair.writer.path("sparse"), "wb") as file:
        file.seek(64 * MB - 7000)
        file.write(border)
    with open(pair.writer.path("patched"), "wb") as file:
        file.write(data["noise"])
    with open(pair.writer.path("patched"), "r+b") as file:
        for at in (0, 70000, 4 * MB - 5, 5 * MB):
            file.seek(at)
            file.write(b"patch!")
    patched = bytearray(data["noise"])
    for at in (0, 70000, 4 * MB - 5, 5 * MB):
        patched[at:at + 6] = b"patch!"
    pair.soon(lambda: os.stat(pair.reader.path("patched")), "the last file")
    for name, content in {**data, "patched": bytes(patched)}.items():
        with open(pair.reader.path(name), "rb") as file:
            assert file.read() == content, name
    with open(pair.reader.path("sparse"), "rb") as file:
        assert file.read(1000) == bytes(1000)
        file.seek(64 * MB - 7001)
        assert file.read() == b"\0" + border
        # Ranges inside blocks.
    with open(pair.reader.path("noise"), "rb", buffering=0) as file:
        for at, size in ((1, 1), (65535, 2), (4 * MB - 100, 200), (123456, 300000)):
            assert os.pread(file.fileno(), size, at) == data["noise"][at:at + size]


@pytest.mark.quick
@pytest.mark.parametrize("direction", ["ours to standard", "standard to ours"])
@pytest.mark.parametrize("way", WAYS)
def test_data_of_one_is_read_by_the_other(lab, ours, way, direction):
    writer, reader = directions(ours)[direction]
    # Whoever writes has formatted it: so each is shown the other's volumes too.
    volume = lab.format(by=writer, options=WAYS[way])
    pair = Pair(volume, lab.mount(writer, volume), lab.mount(reader, volume))
    exercise(pair)
    for mount in (pair.writer, pair.reader):
        mount.unmount()
    assert volume_checks.fsck(lab.clients["juicefs"], volume, stats=False) == []


@pytest.mark.quick
def test_what_the_standard_client_compacts_is_still_read(lab, ours):
    """Its gc --compact replaces the slices of a file that we have read and have open."""
    volume = lab.format()
    mount = lab.mount(ours, volume)
    expected = bytearray(300_000)
    with open(mount.path("file"), "w+b", buffering=0) as file:
        for n in range(60):
            at = n * 4999
            os.pwrite(file.fileno(), b"%d," % n * 1000, at)
            expected[at:at + len(b"%d," % n * 1000)] = b"%d," % n * 1000
            os.fsync(file.fileno())
        del expected[os.fstat(file.fileno()).st_size:]
        assert os.pread(file.fileno(), 1 << 20, 0) == expected
        done = lab.clients["juicefs"].run("gc", "--compact", "--delete", volume.url)
        assert done.returncode == 0, done.stdout
        with volume.redis() as redis:
            assert redis("LLEN", f"c{os.fstat(file.fileno()).st_ino}_0") < 5
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        assert os.pread(file.fileno(), 1 << 20, 0) == expected
    with open(mount.path("file"), "rb") as file:
        assert file.read() == expected


@pytest.mark.quick
def test_many_small_synced_writes_leave_a_short_list(lab, ours):
    """A file that is written by pieces for long is compacted by who writes it."""
    volume = lab.format(options=["--block-size", "256K"])
    mount = lab.mount(ours, volume)
    with open(mount.path("file"), "wb", buffering=0) as file:
        for n in range(500):
            file.write(b"%06d " % n)
            os.fsync(file.fileno())
        ino = os.fstat(file.fileno()).st_ino
    with open(mount.path("file"), "rb") as file:
        assert file.read() == b"".join(b"%06d " % n for n in range(500))
    with volume.redis() as redis:
        assert redis("LLEN", f"c{ino}_0") < 450
    mount.unmount()
    juicefs = lab.clients["juicefs"]
    assert volume_checks.fsck(juicefs, volume) == []
    again = lab.mount("juicefs", volume)
    with open(again.path("file"), "rb") as file:
        assert file.read() == b"".join(b"%06d " % n for n in range(500))
