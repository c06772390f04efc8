"""A small Redis client: raw bytes in and out, one connection, no surprises."""

import socket


class RedisError(Exception):
    """An error reply."""


def encode(arguments):
    parts = [b"*%d\r\n" % len(arguments)]
    for value in arguments:
        data = value if isinstance(value, bytes) else str(value).encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
    return b"".join(parts)


class Redis:
    def __init__(self, port, password=None, db=0, host="127.0.0.1", timeout_s=30):
        self._socket = socket.create_connection((host, port), timeout=timeout_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._in = self._socket.makefile("rb")
        if password:
            self("AUTH", password)
        if db:
            self("SELECT", db)

    def close(self):
        self._in.close()
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __call__(self, *arguments):
        self._socket.sendall(encode(arguments))
        return self._raising(self._reply())

    def pipeline(self, commands):
        """The replies of many commands sent at once; error replies as values."""
        commands = list(commands)
        self._socket.sendall(b"".join(encode(c) for c in commands))
        return [self._reply() for _ in commands]

    @staticmethod
    def _raising(value):
        if isinstance(value, RedisError):
            raise value
        return value

    def _reply(self):
        line = self._in.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("redis closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest
        if kind == b"-":
            return RedisError(rest.decode(errors="replace"))
        if kind == b":":
            return int(rest)
        if kind == b"$":
            size = int(rest)
            return None if size < 0 else self._in.read(size + 2)[:-2]
        if kind == b"*":
            count = int(rest)
            return None if count < 0 else [self._reply() for _ in range(count)]
        raise ConnectionError(f"not a reply: {line!r}")

    # The few shapes that the tests read often.

    def hash(self, key):
        flat = self("HGETALL", key)
        return dict(zip(flat[::2], flat[1::2]))

    def number(self, key):
        return int(self("GET", key) or 0)

    def keys(self, pattern="*"):
        cursor, found = b"0", []
        while True:
            cursor, page = self("SCAN", cursor, "MATCH", pattern, "COUNT", 10000)
            found += page
            if cursor == b"0":
                return sorted(set(found))
