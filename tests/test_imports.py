"""Who may import whom, and what no one may use; read from the source, without importing it.

The house is described in docs/architecture.md.  A rule names what a package may import besides itself and
the standard library; what is not named is forbidden.
"""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
COMPOSITION = frozenset(
    {
        "gateway.cluster_changes",
        "gateway.cluster_drain",
        "gateway.cluster_shares",
        "gateway.cluster_side",
        "gateway.connectors",
        "gateway.daemon",
        "gateway.http_side",
        "gateway.mail_side",
        "gateway.money_side",
        "gateway.relay_side",
        "gateway.service_side",
        "gateway.smpp_side",
        "gateway.startup",
        "gateway.store_answers",
        "gateway.sub_accounts",
        "gateway.web_side",
        "gateway.wiring",
        "gateway.reloading",
        "gateway.housekeeping",
        "gateway.dead_alarm",
        "gateway.admin",
        "gateway.cli",
        "gateway.__main__",
    }
)

RULES: dict[str, frozenset[str]] = {
    "protocols.smpp": frozenset(),
    "protocols.sms": frozenset(),
    "protocols.mail": frozenset({"protocols.sms"}),
    "protocols.smsc_http": frozenset({"protocols.sms"}),
    "protocols.webhooks": frozenset(),
    "gateway.config": frozenset(
        {
            "gateway.core.api_keys",
            "gateway.core.call_urls",
            "gateway.core.numbers",
            "gateway.core.passwords",
            "gateway.core.patterns",
            # names of statuses and TLVs, so that a wrong one is told with its line
            "protocols.smpp.constants",
            "protocols.smpp.tlv",
            "yaml",
        }
    ),
    "gateway.core": frozenset(
        {
            "gateway.config.model",
            "gateway.config.account_model",
            "gateway.config.connector_model",
            "gateway.config.price_file",
            "gateway.config.price_model",
            "gateway.config.route_model",
            "gateway.config.smpp_model",
            "gateway.config.mail_model",
            "gateway.config.smsc_model",
            "protocols.sms",
            "protocols.mail",
            "protocols.smsc_http",
            "anyascii",
            "phonenumbers",
        }
    ),
    "gateway.translate": frozenset(
        {
            "gateway.core.api",
            "gateway.core.batch",
            "gateway.core.errors",
            "gateway.core.message_ids",
            "gateway.core.model",
            "gateway.core.numbers",
            "gateway.core.prices",
            "gateway.core.sent_as",
            "gateway.core.service",
            "gateway.config.connector_model",
            "gateway.config.mail_model",
            "gateway.config.model",
            "gateway.config.smpp_model",
            "protocols.smpp",
            "protocols.sms",
            "protocols.mail",
            "protocols.smsc_http",
        }
    ),
    "gateway.store": frozenset(
        {
            "gateway.core.api",
            "gateway.core.batch",
            "gateway.core.errors",
            "gateway.core.frames",
            "gateway.core.histogram",
            "gateway.core.message_ids",
            "gateway.core.model",
            "gateway.crashes",
            "protocols.sms.addresses",
            "protocols.sms.reassembly",
            "psycopg",
        }
    ),
    "gateway.ingress": frozenset(
        {
            "gateway.config.model",
            "gateway.config.connector_model",
            "gateway.config.smpp_model",
            "gateway.config.mail_model",
            "gateway.config.smsc_model",
            "gateway.core",
            "gateway.crashes",
            "gateway.translate",
            "protocols",
            "aiohttp",
            "aiosmtpd",
            "html_text",
        }
    ),
    "gateway.egress": frozenset(
        {
            "gateway.config.model",
            "gateway.config.connector_model",
            "gateway.config.smpp_model",
            "gateway.config.basics",
            "gateway.config.secret",
            "gateway.config.mail_model",
            "gateway.config.smsc_model",
            "gateway.core",
            "gateway.translate",
            "protocols",
            "aiohttp",
            "aiosmtplib",
        }
    ),
    "gateway.ops": frozenset({"gateway.core", "gateway.translate", "protocols"}),
    # the pages' process, which asks the daemon as the command line does
    "gateway.ops.web": frozenset(
        {
            "gateway.core",
            "gateway.crashes",
            "gateway.ops.control",
            "gateway.ops.metric_catalogue",
            "protocols.sms",
            "aiohttp",
            "jinja2",
            "markupsafe",
            "prometheus_client",
            "uvloop",
            "yaml",
        }
    ),
    "gateway.simulator": frozenset({"aiohttp", "protocols"}),
    # the composition root and what starts it
    "gateway.daemon": frozenset({"gateway", "protocols"}),
    "gateway.admin": frozenset(
        {
            "gateway.config",
            "gateway.core",
            # what accounts have made over HTTP, and a person decides about
            "gateway.front",
            "gateway.ops",
            "gateway.reloading",
            "gateway.store",
            "gateway.translate",
            # what a configuration can be used with, and is hardly meant
            "gateway.wiring",
            "protocols",
        }
    ),
    "gateway.cluster_changes": frozenset({"gateway.core", "gateway.front"}),
    "gateway.cluster_drain": frozenset(
        {"gateway.connectors", "gateway.core", "gateway.egress.smpp_connector"}
    ),
    "gateway.cluster_shares": frozenset({"gateway.core"}),
    "gateway.cluster_side": frozenset(
        {
            "gateway.cluster_drain",
            "gateway.cluster_shares",
            "gateway.connectors",
            "gateway.core",
            "gateway.egress.smpp_connector",
            "gateway.front.job_records",
            "gateway.ops.metrics",
        }
    ),
    "gateway.crashes": frozenset(),
    "gateway.kinds": frozenset({"gateway.core.door"}),
    "gateway.dead_alarm": frozenset(
        {"gateway.core.errors", "gateway.store.reader", "gateway.store.reader_calls"}
    ),
    "gateway.housekeeping": frozenset({"gateway.core", "gateway.ops"}),
    "gateway.reloading": frozenset(
        {
            "gateway.config",
            "gateway.connectors",
            "gateway.core",
            "gateway.egress.live_options",
            "gateway.egress.tls",
            "gateway.ops",
            "gateway.translate",
            "gateway.wiring",
        }
    ),
    "gateway.wiring": frozenset({"gateway.config", "gateway.core", "gateway.translate"}),
    "gateway.mail_side": frozenset(
        {
            "gateway.config.mail_model",
            "gateway.config.model",
            "gateway.core",
            "gateway.ingress",
            "gateway.egress",
        }
    ),
    "gateway.money_side": frozenset(
        {"gateway.config.model", "gateway.core", "gateway.egress", "gateway.store.journal", "protocols.sms"}
    ),
    "gateway.smpp_side": frozenset(
        {
            "gateway.config.model",
            "gateway.core",
            "gateway.egress",
            "gateway.ingress",
            "gateway.kinds",
            "gateway.translate",
        }
    ),
    "gateway.connectors": frozenset(
        {
            "gateway.config.model",
            "gateway.config.smsc_model",
            "gateway.core",
            "gateway.egress",
            "gateway.kinds",
            "protocols.sms",
        }
    ),
    "gateway.store_answers": frozenset({"gateway.connectors", "gateway.core", "protocols.smpp"}),
    "gateway.startup": frozenset(
        {
            "gateway.connectors",
            "gateway.core",
            "gateway.housekeeping",
            "gateway.kinds",
            "gateway.ops",
            "gateway.store.journal",
        }
    ),
    "gateway.service_side": frozenset(
        {
            "gateway.config.model",
            "gateway.config.smsc_model",
            "gateway.core",
            "gateway.ingress",
            "gateway.egress",
        }
    ),
    "gateway.http_side": frozenset(
        {
            "gateway.api",
            "gateway.config.model",
            "gateway.core",
            "gateway.egress",
            "gateway.front",
            "gateway.ingress",
            "gateway.relay_side",
            "gateway.store.api_rows",
            "gateway.store.journal",
        }
    ),
    "gateway.web_side": frozenset(
        {
            "gateway.config.model",
            "gateway.config.web_model",
            "gateway.core.certificates",
            "gateway.core.door",
            "gateway.ops.control",
            "gateway.ops.listening",
        }
    ),
    "gateway.relay_side": frozenset({"gateway.egress", "gateway.front.relay", "protocols.smsc_http"}),
    "gateway.sub_accounts": frozenset(
        {
            "gateway.config.account_model",
            "gateway.config.model",
            "gateway.front.sub_clients",
            "gateway.front.user_settings",
        }
    ),
    "gateway.front": frozenset(
        {"gateway.config", "gateway.core", "gateway.translate", "protocols", "phonenumbers"}
    ),
    "gateway.api": frozenset(
        {
            "gateway.config",
            "gateway.core",
            "gateway.front.blacklist",
            "gateway.front.desk",
            "gateway.front.gate",
            "gateway.front.templates",
            "gateway.translate",
            "protocols",
        }
    ),
    "gateway.importers": frozenset({"gateway.core.patterns", "yaml"}),
    "gateway.cli": frozenset({"gateway", "protocols", "psycopg", "rich", "smpplib", "uvloop"}),
    "gateway.__main__": frozenset({"gateway.cli", "gateway.config.problems"}),
}

TYPES_ONLY = {
    # They read the daemon's parts and are called by it: a type, never an import at run time.
    "gateway.cluster_changes": frozenset({"gateway.daemon"}),
    "gateway.cluster_drain": frozenset({"gateway.daemon", "gateway.ingress.smpp"}),
    "gateway.cluster_shares": frozenset({"gateway.daemon"}),
    "gateway.cluster_side": frozenset({"gateway.daemon", "gateway.front.desk"}),
    "gateway.ops.metrics": frozenset({"gateway.daemon"}),
    "gateway.ops.readiness": frozenset({"gateway.daemon"}),
    "gateway.ops.status": frozenset({"gateway.daemon"}),
    "gateway.admin": frozenset({"gateway.cluster_side", "gateway.daemon"}),
    "gateway.reloading": frozenset({"gateway.daemon"}),
    "gateway.dead_alarm": frozenset({"gateway.daemon"}),
    "gateway.housekeeping": frozenset({"gateway.daemon"}),
    "gateway.mail_side": frozenset({"gateway.daemon"}),
    "gateway.money_side": frozenset({"gateway.daemon"}),
    "gateway.service_side": frozenset({"gateway.daemon"}),
    "gateway.smpp_side": frozenset({"gateway.daemon"}),
    "gateway.startup": frozenset({"gateway.daemon"}),
    "gateway.store_answers": frozenset({"gateway.daemon"}),
    "gateway.connectors": frozenset({"gateway.daemon"}),
    "gateway.http_side": frozenset({"gateway.daemon"}),
    "gateway.web_side": frozenset({"gateway.daemon"}),
    "gateway.relay_side": frozenset({"gateway.front.desk", "gateway.service_side"}),
    "gateway.sub_accounts": frozenset({"gateway.daemon"}),
    # the accounts that it makes are joined to those of the file by the composition root
    "gateway.front": frozenset({"gateway.sub_accounts"}),
}

NO_IO = frozenset(
    {
        *("asyncio", "logging", "socket", "select", "selectors", "ssl", "threading", "multiprocessing"),
        *("subprocess", "signal", "os", "io", "pathlib", "shutil", "tempfile", "time", "random", "secrets"),
        *("sqlite3", "http", "urllib", "email", "smtplib"),
    }
)
"""What a pure package has no use for."""


class Import(NamedTuple):
    module: str
    line: int
    types_only: bool


def sources() -> dict[str, Path]:
    """Every module of the program by its dotted name."""
    found = {}
    for package in ("gateway", "protocols"):
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


SOURCES = sources()


def imports_of(module: str) -> tuple[Import, ...]:
    """What a module imports, wherever the statement stands."""
    return _imports(module, SOURCES[module].read_text("utf-8"))


@functools.cache
def _imports(module: str, text: str) -> tuple[Import, ...]:
    return tuple(_walk_imports(module, ast.parse(text)))


def _walk_imports(module: str, tree: ast.Module) -> Iterator[Import]:
    guarded = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, id(node) in guarded)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: relative imports hide where something is from"
            assert node.module is not None
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield Import(whole if whole in SOURCES else node.module, node.lineno, id(node) in guarded)


def within(module: str, packages: frozenset[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


@functools.cache
def rule_of(module: str) -> str:
    fitting = [package for package in RULES if within(module, frozenset({package}))]
    return max(fitting, key=len, default="")


def is_allowed(module: str, imported: Import) -> bool:
    package = rule_of(module)
    top = imported.module.partition(".")[0]
    if top in sys.stdlib_module_names or within(imported.module, frozenset({package})):
        return True
    types = TYPES_ONLY.get(module, TYPES_ONLY.get(package, frozenset()))
    if imported.types_only and imported.module in types:
        return True
    return within(imported.module, RULES[package])


MODULES = sorted(module for module in SOURCES if module not in ("gateway", "protocols"))


@pytest.mark.parametrize("module", MODULES)
def test_import_directions(module: str) -> None:
    assert rule_of(module), f"{module} belongs to no package that has a rule"
    bad = [
        f"line {found.line}: {found.module}" for found in imports_of(module) if not is_allowed(module, found)
    ]
    assert bad == []


def test_the_rules_say_what_the_design_says() -> None:
    """So that a rule above is not loosened without a look at this one."""
    for package, allowed in RULES.items():
        if package in COMPOSITION:
            continue
        assert not any(within(part, allowed) for part in COMPOSITION)
        assert not any(within("gateway.store", frozenset({name})) for name in allowed)
        for end in ("gateway.ingress", "gateway.egress", "gateway.ops", "gateway.simulator"):
            assert end == package or not within(end, allowed)
    assert all(
        not within(name, frozenset({"gateway"})) for p in ("smpp", "sms") for name in RULES[f"protocols.{p}"]
    )


def test_every_rule_still_has_a_package() -> None:
    assert {rule_of(module) for module in MODULES} == RULES.keys()


def test_protocols_are_pure() -> None:
    bad = [
        f"{module}:{found.line}: {found.module}"
        for module in MODULES
        if module.startswith("protocols.")
        for found in imports_of(module)
        if found.module.partition(".")[0] in NO_IO
    ]
    assert bad == []


def test_translate_and_importers_are_pure() -> None:
    bad = [
        f"{module}:{found.line}: {found.module}"
        for module in MODULES
        if module.startswith(("gateway.translate.", "gateway.importers."))
        for found in imports_of(module)
        if found.module.partition(".")[0] in NO_IO
    ]
    assert bad == []


@functools.cache
def _names(text: str) -> tuple[tuple[str, int], ...]:
    nodes = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name | ast.Attribute))
    return tuple((_dotted(node), node.lineno) for node in nodes)


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ast.unparse(node)


def names_in(module: str) -> tuple[tuple[str, int], ...]:
    """Dotted names that a module uses, for what they say: `os.system`, `eval`."""
    return _names(SOURCES[module].read_text("utf-8"))


CLOCKS = frozenset(
    {"time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns", "datetime.now", "datetime.utcnow"}
)


@pytest.mark.parametrize("package", ["protocols.", "gateway.core.", "gateway.translate."])
def test_nobody_inside_reads_a_clock(package: str) -> None:
    found = {
        (module, name)
        for module in MODULES
        if module.startswith(package)
        for name, _ in names_in(module)
        if name in CLOCKS
    }
    expected = {("gateway.core.clock", name) for name in ("time.monotonic", "time.time_ns")}
    assert found == (expected if package == "gateway.core." else set())


# -- what no one may use (security 74) --------------------------------------------------------------

# xml: what peers send as XML is read by protocols.smsc_http.xml, which knows neither entities nor documents
# elsewhere
FORBIDDEN_MODULES = frozenset(
    {"pickle", "shelve", "dill", "marshal", "imp", "pty", "commands", "xml", "xmlrpc", "ctypes"}
)
FORBIDDEN_NAMES = frozenset(
    {
        *("eval", "exec", "compile", "__import__", "os.system", "os.popen", "subprocess.getoutput"),
        *(
            "yaml.load",
            "yaml.load_all",
            "yaml.unsafe_load",
            "yaml.full_load",
            "yaml.Loader",
            "yaml.UnsafeLoader",
        ),
        *("asyncio.create_subprocess_shell", "tempfile.mktemp", "input"),
        *("ssl.CERT_NONE", "ssl.CERT_OPTIONAL", "ssl._create_unverified_context"),
    }
)
ALLOWED_NAMES = {
    # `opportunistic` to a smarthost, which is told to verify nothing and gets no password
    "gateway.egress.mail_connection": {"ssl.CERT_NONE"},
}
ALLOWED_MODULES = {
    # both ends are one program, and no one else can reach the socket
    "gateway.core.frames": {"marshal"},
    # for prctl, which Python has not
    "gateway.crashes": {"ctypes"},
}
STARTS_PROCESSES = frozenset(
    {
        *("gateway.admin.backup", "gateway.ingress.mail_reader", "gateway.store.journal"),
        "gateway.web_side",
        # the machine's own timedatectl and systemctl, in words that stand there
        *("gateway.cli.doctor.trial", "gateway.cli.doctor.machine"),
    }
)
"""Those of the gateway itself: `python -m gateway…`, nothing of a peer's in their arguments."""


@pytest.mark.parametrize("module", MODULES)
def test_security_74_nothing_that_runs_what_it_reads(module: str) -> None:
    modules = {found.module.partition(".")[0] for found in imports_of(module)} & FORBIDDEN_MODULES
    assert modules == ALLOWED_MODULES.get(module, set())
    starts = {"subprocess"} & {found.module for found in imports_of(module)}
    starts |= {name for name, _ in names_in(module) if name.endswith("create_subprocess_exec")}
    assert module in STARTS_PROCESSES or not starts
    tree = ast.parse(SOURCES[module].read_text("utf-8"))
    forbidden = FORBIDDEN_NAMES - ALLOWED_NAMES.get(module, set())
    assert [f"line {line}: {name}" for name, line in names_in(module) if name in forbidden] == []
    shells = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "shell"
        and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is False)
    ]
    assert shells == []


def test_security_74_the_check_sees_what_it_forbids(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    monkeypatch.setitem(SOURCES, "gateway.core.bad", bad)
    for line in (
        "import pickle",
        "from marshal import loads",
        "x = eval('1')",
        "import yaml\nyaml.load(x)",
        "import os\nos.system('true')",
        "import subprocess\nsubprocess.run('true', shell=True)",
        "import subprocess",
        "import asyncio\nasyncio.create_subprocess_exec('true')",
        "import xml.etree.ElementTree",
        "import ssl\ncontext.verify_mode = ssl.CERT_NONE",
    ):
        bad.write_text(line)
        with pytest.raises(AssertionError):
            test_security_74_nothing_that_runs_what_it_reads("gateway.core.bad")
    for line in (
        "import gateway.store.reader",
        "from gateway import daemon",
        "import yaml",
        "from . import x",
    ):
        bad.write_text(line)
        with pytest.raises(AssertionError):
            test_import_directions("gateway.core.bad")
    bad.write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from gateway.daemon import Daemon\n"
    )
    with pytest.raises(AssertionError):
        test_import_directions("gateway.core.bad")
