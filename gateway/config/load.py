"""Reads the configuration: one file, joined with the `*.yaml` files of its `.d` directories.

For `/etc/smsc-gateway/config.yaml` these are `config.yaml.d` and `conf.d` beside it, each in the order of the
names. Their lists are appended and their sections joined; a value may be given once only. Everything is
checked before anything is returned, and every mistake is reported at once.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from yaml import Mark
from yaml.nodes import MappingNode

from gateway.config import nodes, profiles
from gateway.config.checks import check
from gateway.config.model import Config
from gateway.config.problems import ConfigError, Problem
from gateway.config.sections import Reading, read_section


def load(path: Path) -> Config:
    """The configuration in `path` and the directories beside it.

    Raises ConfigError with every mistake. Reads the files and environment variables that secrets name.
    """
    return load_with_places(path)[0]


def load_with_places(path: Path) -> tuple[Config, Reading]:
    """The same, and where each option is written."""
    with _without_collector():
        return _load(path)


def _load(path: Path) -> tuple[Config, Reading]:
    problems: list[Problem] = []
    mark = Mark(str(path), 0, 0, 0, "", 0)
    root = MappingNode("tag:yaml.org,2002:map", [], mark, mark)
    for file in [path, *_parts(path, problems)]:
        node = nodes.read_file(file, problems)
        if node is not None:
            nodes.join(root, node)
    if problems:
        # a file that could not be read may hold what would seem to be missing
        raise ConfigError(problems)
    profiles.apply(root, problems)
    reading = Reading(problems)
    config: Config = read_section(Config, root, "", reading)
    check(config, reading)
    if problems:
        raise ConfigError(problems)
    return config, reading


@contextmanager
def _without_collector() -> Iterator[None]:
    """Each run of the collector would look through a hundred thousand nodes that all stay: most of the time
    that a large configuration takes."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _parts(path: Path, problems: list[Problem]) -> list[Path]:
    """The files to join, in order; editors' hidden copies are left out."""
    parts: list[Path] = []
    for directory in (path.with_name(path.name + ".d"), path.with_name("conf.d")):
        try:
            names = sorted(os.listdir(directory))
        except FileNotFoundError:
            continue
        except OSError as error:
            # a glob would pass over it in silence, and start a gateway without half its accounts
            text = f"cannot be read: {error.strerror}"
            problems.append(Problem(directory, 1, 1, "", text, "check its permissions, or remove it"))
            continue
        parts += [directory / name for name in names if name.endswith(".yaml") and not name.startswith(".")]
    return parts
