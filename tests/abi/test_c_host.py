"""A host written in C, against the header only, works with each plugin."""

import subprocess

from support.redis_server import RedisServer


def run(programs, plugin, url):
    done = subprocess.run([programs / "abi_host", plugin, url], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, done.stderr
    assert "checks" in done.stdout


def test_the_toy(programs, tmp_path):
    run(programs, programs / "toy_plugin.so", f"toy://{tmp_path}")


def test_our_plugin(programs, command, plugin, tmp_path):
    server = RedisServer(tmp_path / "redis")
    try:
        subprocess.run([command, "format", server.url(0), "vol", "--bucket", tmp_path / "bucket",
                        "--trash-days", "0"], check=True, capture_output=True)
        run(programs, plugin, server.url(0))
    finally:
        server.stop()
