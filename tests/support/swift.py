"""OpenStack Swift with its S3 middleware: a small cluster of Debian's packages on loopback."""

from __future__ import annotations

import getpass
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shutil import which

from tests.support.running import free_port, takes_connections
from tests.support.waiting import eventually

PACKAGES = "swift-proxy swift-account swift-container swift-object"
KEY, SECRET = "test:tester", "testing"

_PYTHON = "/usr/bin/python3"
# The place of one file cannot be set otherwise.
_LAUNCH = """
import sys
from swift.common import utils
utils.SWIFT_CONF_FILE = sys.argv[3]
from swift.common.wsgi import run_wsgi
sys.exit(run_wsgi(sys.argv[1], sys.argv[2], default_port=0, verbose=True))
"""
_SERVER = """
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
"""
_STORING = (
    _SERVER
    + "[pipeline:main]\npipeline = {kind}-server\n[app:{kind}-server]\nuse = egg:swift#{kind}\n"
)
_PROXY = (
    _SERVER
    + """
[pipeline:main]
pipeline = catch_errors cache listing_formats bulk s3api tempauth
    slo dlo versioned_writes symlink proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:{cache_port}
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:s3api]
use = egg:swift#s3api
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_object_versioning = true
[filter:symlink]
use = egg:swift#symlink
"""
)


def missing() -> str | None:
    """Why Swift cannot be run here, or None."""
    if which("swift-proxy-server") and which("swift-object-server"):
        return None
    return f"needs OpenStack Swift (Debian: {PACKAGES})"


@contextmanager
def swift(folder: Path) -> Iterator[str]:
    """The endpoint of a cluster of one replica; `KEY` and `SECRET` may do everything in it."""
    (folder / "swift.conf").write_text(
        "[swift-hash]\nswift_hash_path_suffix = of-the-tests\nswift_hash_path_prefix =\n"
        "[storage-policy:0]\nname = one\ndefault = yes\n"
    )
    (folder / "devices" / "one").mkdir(parents=True)
    ports = {kind: free_port() for kind in ("account", "container", "object", "proxy")}
    with ExitStack() as stack:
        for kind, port in ports.items():
            text = _PROXY if kind == "proxy" else _STORING
            conf = folder / f"{kind}.conf"
            conf.write_text(
                text.format(
                    kind=kind,
                    port=port,
                    user=getpass.getuser(),
                    folder=folder,
                    cache_port=free_port(),
                )
            )
            if kind != "proxy":
                _make_ring(folder, kind, port)
            stack.enter_context(_running(folder, kind))
        eventually(lambda: all(map(takes_connections, ports.values())), timeout=120)
        yield f"http://127.0.0.1:{ports['proxy']}"


def _make_ring(folder: Path, kind: str, port: int) -> None:
    builder = folder / f"{kind}.builder"
    for step in (
        ("create", "4", "1", "1"),
        ("add", f"r1z1-127.0.0.1:{port}/one", "1"),
        ("rebalance",),
    ):
        subprocess.run(["swift-ring-builder", builder, *step], check=True, capture_output=True)


@contextmanager
def _running(folder: Path, kind: str) -> Iterator[None]:
    command = [_PYTHON, "-c", _LAUNCH, folder / f"{kind}.conf", f"{kind}-server"]
    with (folder / f"{kind}.log").open("wb") as log:
        process = subprocess.Popen([*command, folder / "swift.conf"], stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(15)
