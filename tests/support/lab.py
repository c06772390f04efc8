"""Everything a test starts, taken down in reverse order when the lab closes."""

import contextlib
import pathlib

from support.link import Link
from support.redis_server import RedisServer


class Volume:
    """A formatted volume: where its metadata and its objects are."""

    def __init__(self, server, name, bucket, db=0):
        self.server = server
        self.name = name
        self.bucket = pathlib.Path(bucket)
        self.db = db
        self.url = server.url(db)

    def redis(self):
        return self.server.connect(self.db)

    def objects(self):
        """The paths of all data objects."""
        return sorted(p for p in (self.bucket / self.name / "chunks").rglob("*") if p.is_file())


class Lab:
    def __init__(self, folder, clients, link_program):
        self.folder = pathlib.Path(folder)
        self.clients = clients  # name -> Juicefs / Fastmeta
        self._link_program = link_program
        self._stack = contextlib.ExitStack()
        self._count = 0

    def close(self):
        self._stack.close()

    def place(self, name):
        """A new, empty folder."""
        self._count += 1
        path = self.folder / f"{name}{self._count}"
        path.mkdir(parents=True)
        return path

    def redis(self, **options):
        server = RedisServer(self.place("redis"), **options)
        self._stack.callback(server.stop)
        return server

    def link(self, server):
        link = Link(self._link_program, server.port)
        self._stack.callback(link.stop)
        return link

    def format(self, by="juicefs", server=None, name="vol", trash_days=0, bucket=None, options=(),
               db=0):
        """A new volume, on a Redis of its own unless one is given."""
        server = server or self.redis()
        bucket = bucket or self.place("bucket")
        done = self.clients[by].format(server.url(db), name, bucket,
                                       ["--trash-days", trash_days, *options])
        assert done.returncode == 0, done.stdout
        return Volume(server, name, bucket, db)

    def mount(self, client, volume, **how):
        """The volume, mounted by that client."""
        mount = self.start_mount(client, volume, **how)
        return mount.wait()

    def start_mount(self, client, volume, root=None, **how):
        """As mount(), without waiting until it is up; on a folder of the lab unless told where."""
        root = root or self.place("mnt")
        mount = self.clients[client].mount(volume, root, self.place(f"{client}-"), **how)
        self._stack.callback(mount.close)
        return mount

    def defer(self, action, *arguments):
        self._stack.callback(action, *arguments)
