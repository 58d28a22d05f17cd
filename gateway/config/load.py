"""Reads the configuration: one file, joined with the `*.yaml` files of its `.d` directories.

For `/etc/smsc-gateway/config.yaml` these are `config.yaml.d` and `conf.d` beside it, each in the order of the
names. Their lists are appended and their sections joined; a value may be given once only. Everything is
checked before anything is returned, and every mistake is reported at once.
"""

from __future__ import annotations

from pathlib import Path

from yaml import Mark
from yaml.nodes import MappingNode

from gateway.config import nodes
from gateway.config.checks import check
from gateway.config.model import Config
from gateway.config.problems import ConfigError, Problem
from gateway.config.sections import Reading, read_section


def load(path: Path) -> Config:
    """The configuration in `path` and the directories beside it.

    Raises ConfigError with every mistake. Reads the files and environment variables that secrets name.
    """
    problems: list[Problem] = []
    mark = Mark(str(path), 0, 0, 0, "", 0)
    root = MappingNode("tag:yaml.org,2002:map", [], mark, mark)
    for file in _files(path):
        node = nodes.read_file(file, problems)
        if node is not None:
            nodes.join(root, node)
    if problems:
        # a file that could not be read may hold what would seem to be missing
        raise ConfigError(problems)
    reading = Reading(problems)
    config: Config = read_section(Config, root, "", reading)
    check(config, reading)
    if problems:
        raise ConfigError(problems)
    return config


def _files(path: Path) -> list[Path]:
    parts = [path]
    for directory in (path.with_name(path.name + ".d"), path.with_name("conf.d")):
        parts += sorted(directory.glob("*.yaml"))
    return parts
