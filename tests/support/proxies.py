"""Reverse proxies, of Debian, configured with what docs/operating.md says, word for word."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which

from tests.support.running import REPO, free_port, takes_connections
from tests.support.waiting import eventually

PROGRAMS = {"nginx": "nginx", "caddyfile": "caddy", "haproxy": "haproxy", "apache": "apache2"}
"""By the language of the block in the page."""

_AROUND = {
    "nginx": """
{user}
daemon off;
pid {folder}/pid;
error_log {folder}/errors;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/a;
    proxy_temp_path {folder}/b;
    fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d;
    scgi_temp_path {folder}/e;
    include {folder}/theirs;
}}
""",
    "caddyfile": """
{{
    admin off
    skip_install_trust
    auto_https disable_redirects
}}
import {folder}/theirs
""",
    "haproxy": None,
    "apache": """
{user}
ServerRoot {folder}
PidFile {folder}/pid
ErrorLog {folder}/errors
Mutex file:{folder}
Listen 127.0.0.1:{plain}
Listen 127.0.0.1:{port} https
{modules}
Include {folder}/theirs
""",
}
_MODULES = "mpm_event authz_core alias socache_shmcb ssl http2 proxy proxy_http"
_COMMANDS = {
    "nginx": ["nginx", "-p", "{folder}", "-e", "{folder}/errors", "-c", "{folder}/ours"],
    "caddyfile": ["caddy", "run", "--adapter", "caddyfile", "--config", "{folder}/ours"],
    "haproxy": ["haproxy", "-db", "-f", "{folder}/theirs"],
    "apache": ["apache2", "-d", "{folder}", "-f", "{folder}/ours", "-DFOREGROUND"],
}


def missing(kind: str) -> str | None:
    """Why a proxy cannot be run here, or None."""
    program = PROGRAMS[kind]
    return None if which(program) and which("openssl") else f"needs {program} (Debian: {program})"


def documented(kind: str) -> str:
    """The configuration in the page."""
    page = (REPO / "docs" / "operating.md").read_text()
    [block] = re.findall(rf"```{kind}\n(.*?)```", page, re.S)
    return str(block)


@contextmanager
def proxy(kind: str, port: int, to: int) -> Iterator[None]:
    """https://localhost:`port`, before what listens on `to`. Only names and places are changed."""
    with tempfile.TemporaryDirectory(prefix="proxy-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        _make_certificate(folder)
        places = {
            "pictures.example.org": "localhost",
            "127.0.0.1:8000": f"127.0.0.1:{to}",
            "/etc/ssl/imgapp": name,
        }
        plain = free_port()
        theirs = documented(kind)
        for ours, there in places.items():
            theirs = theirs.replace(ours, there)
        theirs = re.sub(r"(listen |bind :|\*:)443\b", rf"\g<1>{port}", theirs)
        theirs = re.sub(r"(listen |bind :|\*:)80\b", rf"\g<1>{plain}", theirs)
        if kind == "caddyfile":
            theirs = theirs.replace("localhost {", f"localhost:{port} {{")
        (folder / "theirs").write_text(theirs)
        values = {"folder": name, "port": port, "plain": plain, "user": _user(kind)}
        modules = [
            f"LoadModule {m}_module /usr/lib/apache2/modules/mod_{m}.so" for m in _MODULES.split()
        ]
        around = _AROUND[kind] or ""
        (folder / "ours").write_text(around.format(**values, modules="\n".join(modules)))
        command = [part.format(**values) for part in _COMMANDS[kind]]
        env = os.environ | {"XDG_DATA_HOME": name, "XDG_CONFIG_HOME": name}
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
        try:
            eventually(lambda: takes_connections(port) or process.poll() is not None)
            assert process.poll() is None, (folder / "log").read_text()
            yield
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _user(kind: str) -> str:
    if os.geteuid():
        return ""
    return "user root;" if kind == "nginx" else "User www-data\nGroup www-data"


def _make_certificate(folder: Path) -> None:
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    command += " -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    files = ["-keyout", folder / "key.pem", "-out", folder / "chain.pem"]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    both = (folder / "chain.pem").read_text() + (folder / "key.pem").read_text()
    (folder / "chain-and-key.pem").write_text(both)
