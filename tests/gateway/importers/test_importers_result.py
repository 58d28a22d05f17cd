"""Whatever a configuration says, what comes of it can be loaded."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from importer_support import VECTORS, read

from gateway.config.load import load
from gateway.importers import jasmin, kannel
from gateway.importers.outcome import Imported, Password
from gateway.importers.writing import yaml_of

HASH = "scrypt$15$8$1$dmVjdG9yLXNhbHQtMDAwMQ==$0VzBzFwXWYHFIY74QcIFfpC4huEdnm7tfl1Lb5gkmQQ="


def lines_of(name: str) -> list[str]:
    return (VECTORS / f"{name}.txt").read_text().splitlines()


VALUES = st.one_of(st.sampled_from(lines_of("values")), st.text(max_size=3), st.just("x" * 71))


def options(name: str, form: str) -> st.SearchStrategy[str]:
    """Some options of a section, each with any value."""
    pairs = st.dictionaries(st.sampled_from(lines_of(name)), VALUES, max_size=12)
    return pairs.map(lambda them: "\n".join(form.format(*it).replace("\0", "") for it in them.items()))


def sections(head: str, name: str, form: str, end: str) -> st.SearchStrategy[str]:
    made = st.tuples(VALUES, options(name, form)).map(lambda it: f"{head.format(it[0])}\n{it[1]}\n{end}\n")
    return st.lists(made, max_size=3).map("".join)


SMSC = "group = smsc\nsmsc = smpp\nsmsc-id = {0}\n"
GOOD_SMSC = f"{SMSC}host = 192.0.2.1\nport = 2775\nsmsc-username = u"
SERVICE = "group = sms-service\nget-url = x\nkeyword = {0}\naliases = x;{0}"
KANNEL = st.tuples(
    sections(SMSC, "smsc_options", "{} = {}", ""),
    sections(GOOD_SMSC, "smsc_options", "{} = {}", ""),
    sections("group = sendsms-user\nusername = {}", "user_options", "{} = {}", ""),
    sections(SERVICE, "user_options", "{} = {}", ""),
    st.just("group = core\nadmin-port = 1\n"),
).map("\n".join)

FILTER = st.sampled_from(
    [
        "DestinationAddrFilter\ndestination_addr",
        "SourceAddrFilter\nsource_addr",
        "ShortMessageFilter\nshort_message",
        "UserFilter\nuid",
        "GroupFilter\ngid",
        "TimeIntervalFilter\ntimeInterval",
        "ConnectorFilter\ncid",
        "TransparentFilter\nx",
    ]
)
ROUTE = st.sampled_from(["DefaultRoute", "StaticMTRoute", "FailoverMTRoute", "RandomRoundrobinMTRoute"])
SHORT = st.sampled_from(["a", "b", "up", "192.0.2.1"])
PLACE = st.integers(0, 4)
FILTERS = st.lists(st.tuples(PLACE, FILTER, VALUES), max_size=6).map(
    lambda them: "".join(f"filter -a\nfid f{n}\ntype {kind} {value}\nok\n" for n, kind, value in them)
)
ROUTES = st.lists(st.tuples(PLACE, ROUTE, PLACE, PLACE, SHORT, SHORT, VALUES), max_size=5).map(
    lambda them: "".join(
        f"mtrouter -a\ntype {kind}\norder {n}\nfilters f{one};f{two}\n"
        f"connectors smppc({first});smppc({second})\nrate {rate}\nok\n"
        for n, kind, one, two, first, second, rate in them
    )
)
INCOMING = st.lists(st.tuples(PLACE, PLACE, SHORT), max_size=4).map(
    lambda them: "".join(
        f"morouter -a\ntype StaticMORoute\norder {n}\nfilters f{one}\nconnector smpps({user})\nok\n"
        for n, one, user in them
    )
)
JASMIN = st.tuples(
    sections("smppccm -a\ncid {}", "smppccm_options", "{} {}", "ok"),
    st.just("smppccm -a\ncid a\nok\n"),
    sections("user -a\nuid {}", "jasmin_user_options", "{} {}", "ok"),
    FILTERS,
    ROUTES,
    INCOMING,
).map("".join)


def written(password: Password) -> str:
    return HASH if password.kind == "hash" else password.text or "unknown"


def check(imported: Imported) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.yaml"
        path.write_text(yaml_of(imported.tree, written))
        path.chmod(0o600)
        load(path)


@given(KANNEL)
@settings(deadline=None)
def test_what_comes_of_kannels_can_be_loaded(text: str) -> None:
    check(kannel.convert(text, "kannel.conf", read))


@given(JASMIN)
@settings(deadline=None)
def test_what_comes_of_jasmins_can_be_loaded(text: str) -> None:
    check(jasmin.convert(text, "jcli.txt"))
