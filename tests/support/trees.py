"""Source trees to copy: reproducible, of many small files and some large ones."""

import os
import random


def make(root, files, seed=7):
    """Writes that many files below root, 40 to a folder, with links and odd names between."""
    r = random.Random(seed)
    data = r.randbytes(3 << 20)
    folder = ""
    for n in range(files):
        if n % 40 == 0:
            folder = os.path.join(root, f"d{n // 4000}", f"e{n // 200 % 20}", f"f{n // 40}")
            os.makedirs(folder, mode=0o755)
        size = r.choice([0, r.randrange(200), r.randrange(4097), r.randrange(4097),
                         r.randrange(40000)])
        if n % 400 == 0:
            size = len(data) - r.randrange(1 << 20)
        at = r.randrange(len(data) - size + 1)
        path = os.path.join(folder, f"file {n}\u00e9" if n % 50 == 0 else f"file{n}")
        with open(path, "wb") as file:
            file.write(data[at:at + size])
        os.chmod(path, r.choice([0o644, 0o600, 0o755, 0o444]))
        os.utime(path, ns=(r.randrange(10**18), r.randrange(10**18)))
        if n % 97 == 0:
            os.symlink(f"file{n}", path + ".sym")
        if n % 89 == 0:
            os.link(path, path + ".hard")
