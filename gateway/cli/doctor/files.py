"""Files and their rights: what the gateway's user has to read and write, and what nobody else should."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from gateway.cli.doctor.look import Look
from gateway.cli.doctor.results import Finding, Job, failed, passed, plural, skipped, warned
from gateway.config.files import files_of, secret_files
from gateway.config.model import Config
from gateway.config.nodes import file_of
from gateway.ops.control import SOCKET_NAME
from gateway.ops.listening import path_too_long
from gateway.ops.state_dir import OURS

_GROUP_OR_OTHERS, _OTHERS_READ, _OTHERS_WRITE = 0o077, stat.S_IROTH, stat.S_IWOTH
_OF_STORE = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
"""The parameters of PostgreSQL's address that name a file; `passfile` has rules of its own."""


def jobs(look: Look) -> Iterator[Job]:
    yield Job("configuration's files", partial(_configuration, look))
    yield Job(str(look.state_dir), partial(_state_dir, look))


# -- what it reads -----------------------------------------------------------------------------------


def _configuration(look: Look) -> Iterator[Finding]:
    subject = "configuration's files"
    if look.config is None or look.reading is None:
        yield skipped(subject, "the configuration cannot be read")
        return
    named = {path for _, path in files_of(look.config)}
    read = {file_of(node) for node in look.reading.places.values()}
    paths = sorted(named | read | set(secret_files(look.reading)) | set(_of_store(look.config, *_OF_STORE)))
    private = list(_of_store(look.config, "passfile"))
    wrong = [finding for path in paths for finding in _readable(path, look)]
    wrong += [finding for path in private for finding in _private(path, look)]
    yield from wrong
    if not wrong:
        count, who = plural(len(paths) + len(private), "file"), _name_of(look.uid)
        yield passed(subject, f"{count}, which {who} can read and not everybody write")


def _of_store(config: Config, *names: str) -> Iterator[Path]:
    """The files that PostgreSQL's address names in these parameters."""
    parameters = config.store.parts.parameters if config.store is not None else {}
    for name in names:
        if os.path.isabs(parameters.get(name, "")):  # sslrootcert=system is none
            yield Path(parameters[name])


def _readable(path: Path, look: Look) -> Iterator[Finding]:
    try:
        found = path.stat()
    except OSError as error:
        yield failed(str(path), f"cannot be seen: {error.strerror}", "look at its folder's owner and mode")
        return
    if found.st_mode & _OTHERS_WRITE:
        yield failed(str(path), "everybody may change it", f"chmod o-w {path}")
    if not _may(found, look.uid, 4):
        who, group = _name_of(look.uid), _group_of(look.uid)
        text = f"{who} cannot read it ({_owner_and_mode(found)})"
        yield failed(str(path), text, f"chgrp {group} {path} && chmod g+r {path}")


def _private(path: Path, look: Look) -> Iterator[Finding]:
    """A file of passwords that libpq reads, or passes over without a word in the log."""
    who = _name_of(look.uid)
    mend = f"chown {who} {path} && chmod 0600 {path}"
    try:
        found = path.stat()
    except OSError as error:
        text = f"cannot be seen: {error.strerror}; the database is asked without a password"
        yield failed(str(path), text, "write it, or look at its folder's owner and mode")
        return
    if not _may(found, look.uid, 4):
        text = f"{who} cannot read it ({_owner_and_mode(found)}): its database is asked without a password"
        yield failed(str(path), text, mend)
    elif found.st_mode & _GROUP_OR_OTHERS:
        text = f"libpq goes without it, because others may use it ({_owner_and_mode(found)})"
        yield failed(str(path), text, mend)


def _may(found: os.stat_result, uid: int, bits: int) -> bool:
    """Whether a user may do this (4: read) with a file, by its mode alone."""
    if uid == 0:
        return True
    mode = found.st_mode
    if found.st_uid == uid:
        return bool(mode >> 6 & bits)
    if found.st_gid in _groups_of(uid):
        return bool(mode >> 3 & bits)
    return bool(mode & bits)


def _groups_of(uid: int) -> set[int]:
    if uid == os.geteuid():
        return {os.getegid(), *os.getgroups()}
    try:
        user = pwd.getpwuid(uid)
    except KeyError:
        return set()
    return set(os.getgrouplist(user.pw_name, user.pw_gid))


# -- what it writes ----------------------------------------------------------------------------------


def _state_dir(look: Look) -> Iterator[Finding]:
    folder = look.state_dir
    subject = str(folder)
    if too_long := path_too_long(folder / SOCKET_NAME):
        yield failed(subject, too_long, "give a shorter --state-dir")
    try:
        found = folder.stat()
    except FileNotFoundError:
        text = "there is no such directory"
        yield warned(subject, text, "the gateway makes it at its first start; or give another --state-dir")
        return
    except OSError as error:
        yield failed(subject, f"cannot be seen: {error.strerror}", "run doctor as root or the gateway's user")
        return
    if not stat.S_ISDIR(found.st_mode):
        yield failed(subject, "is no directory", "give the --state-dir of the gateway")
        return
    wrong = [*_mode_of_folder(folder, found), *_inside(look)]
    yield from wrong
    if not wrong:
        yield passed(subject, f"{_owner_and_mode(found)}; what is in it is the same user's, closed to others")


def _mode_of_folder(folder: Path, found: os.stat_result) -> Iterator[Finding]:
    mode = stat.S_IMODE(found.st_mode)
    if mode & _OTHERS_WRITE:
        text = f"everybody may write there (mode {mode:04o}): the gateway does not start so"
        yield failed(str(folder), text, f"chmod 0700 {folder}")
    elif mode & _GROUP_OR_OTHERS:
        yield warned(str(folder), f"others may look into it (mode {mode:04o})", f"chmod 0700 {folder}")


def _inside(look: Look) -> Iterator[Finding]:
    """Files of another user, as they are left by a gateway that was once started as root, and open ones."""
    for name in (*OURS, SOCKET_NAME):
        path = look.state_dir / name
        try:
            found = path.lstat()
        except FileNotFoundError:
            continue
        except OSError as error:
            text = f"cannot be seen: {error.strerror}"
            yield skipped(str(path), text, "run doctor as root or as the gateway's user")
            return
        mode = stat.S_IMODE(found.st_mode)
        who = _name_of(look.uid)
        if stat.S_ISLNK(found.st_mode):
            yield failed(str(path), "is a link, which the gateway does not follow", f"remove {path}")
        elif found.st_uid != look.uid:
            text = f"belongs to {_name_of(found.st_uid)}, not to {who}: the gateway cannot use it"
            yield failed(str(path), text, f"stop the gateway; chown -R {who}: {look.state_dir}")
        elif mode & _GROUP_OR_OTHERS:
            text = f"is open to others (mode {mode:04o})"
            yield warned(str(path), text, f"chmod go= {path} (the next start does it too)")


def _owner_and_mode(found: os.stat_result) -> str:
    return f"{_name_of(found.st_uid)}:{_group_name(found.st_gid)}, mode {stat.S_IMODE(found.st_mode):04o}"


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _group_of(uid: int) -> str:
    try:
        return _group_name(pwd.getpwuid(uid).pw_gid)
    except KeyError:
        return str(uid)
