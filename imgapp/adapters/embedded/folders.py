"""Server folders: makes private ones for the embedded servers, whoever imgapp runs as (modes).

PostgreSQL refuses to run as root, so root starts both servers as a system user of their own. What
that user needs is given to it by owning folders that imgapp made, never by loosening a mode.
"""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from imgapp.errors import ConfigurationError

_SYSTEM_USER = "imgapp"
_LONGEST_LOG = 5_000_000  # bytes
_LONGEST_SOCKET_PATH = 103  # sun_path is 104 bytes on macOS and 108 on Linux, with the final NUL


@dataclass(frozen=True)
class ServerUser:
    """Who the servers run as; `is_other` when that is not who runs imgapp."""

    uid: int
    gid: int
    is_other: bool

    @property
    def spawn_uid(self) -> int | None:
        return self.uid if self.is_other else None

    @property
    def spawn_gid(self) -> int | None:
        return self.gid if self.is_other else None


def server_user() -> ServerUser:
    """The caller, or for root the system user `imgapp`, made if it is missing."""
    if os.geteuid() != 0:
        return ServerUser(os.geteuid(), os.getegid(), is_other=False)
    try:
        entry = pwd.getpwnam(_SYSTEM_USER)
    except KeyError:
        entry = _make_system_user()
    return ServerUser(entry.pw_uid, entry.pw_gid, is_other=True)


def _make_system_user() -> pwd.struct_passwd:
    if shutil.which("useradd"):
        command = ["useradd", "--system", "--no-create-home", "--shell", "/bin/false"]
        if _SYSTEM_USER in (group.gr_name for group in grp.getgrall()):
            command += ["--gid", _SYSTEM_USER]
        else:
            command.append("--user-group")
    else:
        command = ["adduser", "-S", "-H", "-D"]
    try:
        subprocess.run([*command, _SYSTEM_USER], check=True, capture_output=True, text=True)
        return pwd.getpwnam(_SYSTEM_USER)
    except (OSError, subprocess.CalledProcessError, KeyError) as error:
        # Two commands may make it at the same time: the loser finds it there.
        try:
            return pwd.getpwnam(_SYSTEM_USER)
        except KeyError:
            reason = getattr(error, "stderr", None) or error
            raise ConfigurationError(
                f"PostgreSQL does not run as root, and the system user {_SYSTEM_USER!r} for it "
                f"could not be made: {str(reason).strip()}. Run imgapp as an ordinary user instead."
            ) from None


def _may_enter(folder: Path, user: ServerUser) -> bool:
    status = folder.stat()
    if status.st_uid == user.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == user.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def folder_in_the_way(path: Path, user: ServerUser) -> Path | None:
    """The outermost existing folder above `path` that `user` cannot enter."""
    if not user.is_other:
        return None
    for folder in reversed(path.resolve().parents):
        if folder.exists() and not _may_enter(folder, user):
            return folder
    return None


def claim_data_dir(path: Path) -> Path:
    """Make the data folder if it is missing, open to nobody else but reachable for the servers.

    Raises ConfigurationError with the name of the folder that is in the way.
    """
    user = server_user()
    _refuse_what_is_out_of_reach(path, user)
    if _make_folder(path, user):
        return path
    if user.is_other and not _may_enter(path, user):
        _hand_over(path, user)
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise ConfigurationError(
            f"imgapp may not write to {path}. Set IMGAPP_DATA_DIR to a folder of your own."
        )
    return path


def claim_server_folder(path: Path) -> Path:
    """A folder that belongs to the servers' user, mode 0700."""
    user = server_user()
    _refuse_what_is_out_of_reach(path, user)
    if not _make_folder(path, user) and user.is_other and path.stat().st_uid != user.uid:
        _hand_over(path, user)
    return path


def _refuse_what_is_out_of_reach(path: Path, user: ServerUser) -> None:
    obstacle = folder_in_the_way(path, user)
    if obstacle is not None:
        raise ConfigurationError(
            f"The database runs as the system user {_SYSTEM_USER!r}, which may not enter "
            f"{obstacle}. Set IMGAPP_DATA_DIR to a folder outside it, for example /var/lib/imgapp."
        )


def _make_folder(path: Path, user: ServerUser) -> bool:
    """Whether it had to be made. Only `path` is private: the servers' user passes its parents."""
    try:
        for parent in reversed(path.parents):
            if not parent.exists():
                parent.mkdir(exist_ok=True)
                if user.is_other:
                    parent.chmod(0o711)
        path.mkdir(mode=0o700)
    except FileExistsError:
        if not path.is_dir():
            raise ConfigurationError(f"{path} is a file; imgapp needs a folder there.") from None
        return False
    except OSError as error:
        raise ConfigurationError(
            f"imgapp cannot make the folder {path} ({error.strerror}). "
            "Set IMGAPP_DATA_DIR to a folder of your own."
        ) from None
    path.chmod(0o700)
    if user.is_other:
        os.chown(path, user.uid, user.gid)
    return True


def _hand_over(path: Path, user: ServerUser) -> None:
    """Give a folder of root's to the servers' user, its mode unchanged; never somebody's home."""
    homes = {Path(entry.pw_dir).resolve() for entry in pwd.getpwall()}
    if path.stat().st_uid != 0 or path.resolve() in homes:
        raise ConfigurationError(
            f"The database runs as the system user {_SYSTEM_USER!r}, which may not use {path}. "
            "Set IMGAPP_DATA_DIR to an empty folder, for example /var/lib/imgapp."
        )
    os.chown(path, user.uid, user.gid)


def open_log(path: Path) -> BinaryIO:
    """The log of a server, begun again once it has grown too long."""
    is_long = path.exists() and path.stat().st_size > _LONGEST_LOG
    return path.open("wb" if is_long else "ab")


def socket_places(folder: Path) -> list[Path]:
    """Where `socket_folder` may have put a socket; nothing is made."""
    pointer = folder / "socket_dir"
    short = [Path(pointer.read_text())] if pointer.exists() else []
    return [folder / "socket", *short]


def socket_folder(folder: Path, socket_name: str) -> Path:
    """A private folder for a socket: inside `folder`, or a short one if that path is too long."""
    inside = folder / "socket"
    if len(os.fsencode(inside / socket_name)) <= _LONGEST_SOCKET_PATH:
        return claim_server_folder(inside)
    user, pointer = server_user(), folder / "socket_dir"
    if pointer.exists():
        known = Path(pointer.read_text())
        if known.is_dir() and known.stat().st_uid == user.uid:
            return known
    short = Path(tempfile.mkdtemp(prefix="imgapp-", dir=_short_base(user)))
    if user.is_other:
        os.chown(short, user.uid, user.gid)
    pointer.write_text(str(short))
    return short


def _short_base(user: ServerUser) -> Path:
    for name in (os.environ.get("XDG_RUNTIME_DIR"), "/run", "/tmp"):  # noqa: S108
        base = Path(name) if name else None
        if base and base.is_dir() and os.access(base, os.W_OK) and len(os.fsencode(base)) < 60:
            reachable = folder_in_the_way(base / "x", user) is None
            if reachable:
                return base
    raise ConfigurationError(
        "The path of IMGAPP_DATA_DIR is too long for a unix socket, and neither "
        "XDG_RUNTIME_DIR nor /tmp can be written. Choose a shorter IMGAPP_DATA_DIR."
    )
