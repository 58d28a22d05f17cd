"""The shipped alarms and the dashboard, by Prometheus' own checker and by what the gateway counts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from promtool import promtool

from gateway.ops.metric_catalogue import METRICS, PREFIX

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "monitoring"
RULES = yaml.safe_load((FOLDER / "alerts.yml").read_text("utf-8"))["groups"][0]["rules"]
TESTS = yaml.safe_load((FOLDER / "alerts_test.yml").read_text("utf-8"))["tests"]
DASHBOARD = json.loads((FOLDER / "dashboard.json").read_text("utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [target["expr"] for panel in PANELS for target in panel["targets"]]
NAMES_OF_PROMETHEUS = {"up", "instance", "job", "le"}
GRAFANA = {"$__rate_interval": "5m", "$__all": ".*"}

_SELECTOR = re.compile(rf"\b({PREFIX}\w+)(\{{[^}}]*\}})?")
_BY = re.compile(r"\b(?:by|ignoring|on|without)\s*\(([^)]*)\)")
_LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_USED = re.compile(r"\{\{\s*\$?(?:labels\.)?(\w+)\s*\}\}")


def metric_of(name: str) -> str:
    """The catalogue's name of a series: a histogram has three of them."""
    base = re.sub(r"_(bucket|sum|count)$", "", name)
    return base if base in METRICS and METRICS[base].kind == "histogram" else name


def faults_of(expr: str) -> Iterator[str]:
    """What a query names and no gateway has."""
    known = set(NAMES_OF_PROMETHEUS)
    for name, selector in _SELECTOR.findall(expr):
        metric = METRICS.get(metric_of(name))
        if metric is None:
            yield f"there is no {name}"
            continue
        if metric.kind == "histogram" and metric_of(name) == name:
            yield f"{name} is a histogram: _bucket, _sum or _count"
        if metric.kind == "counter" and not re.search(rf"(rate|increase)\({name}", expr):
            yield f"{name} is a counter: rate() or increase()"
        known |= set(metric.labels)
        for label in _LABEL.findall(selector):
            if label not in {*metric.labels, *NAMES_OF_PROMETHEUS}:
                yield f"{name} has no label {label}"
    for labels in _BY.findall(expr):
        yield from (f"no label {one}" for one in re.findall(r"\w+", labels) if one not in known)


@pytest.mark.parametrize(
    ("expr", "fault"),
    [
        (f"{PREFIX}redy == 0", "there is no"),
        (f'{PREFIX}ready{{account="x"}}', "has no label account"),
        (f"sum by (account) ({PREFIX}connector_up)", "no label account"),
        (f"{PREFIX}faults_total > 1", "is a counter"),
        (f"{PREFIX}loop_lag_seconds", "is a histogram"),
    ],
)
def test_a_query_that_names_what_is_not_there_is_found(expr: str, fault: str) -> None:
    assert any(fault in found for found in faults_of(expr))


# -- alarms --------------------------------------------------------------------------------------------


def test_prometheus_takes_the_rules_and_they_sound_when_they_should() -> None:
    promtool("check", "rules", "alerts.yml", cwd=FOLDER)
    promtool("test", "rules", "alerts_test.yml", cwd=FOLDER)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alarm_names_what_is_there_and_where_the_fix_stands(rule: dict[str, Any]) -> None:
    assert list(faults_of(rule["expr"])) == []
    assert rule["labels"]["severity"] in ("critical", "warning")
    said = rule["annotations"]
    assert set(said) == {"summary", "description", "runbook_url"}
    page, _, anchor = said["runbook_url"].partition("#")
    assert anchor == rule["alert"].lower()
    assert f"\n## {rule['alert']}\n" in (ROOT / page).read_text("utf-8")


def test_prometheus_takes_the_configuration_that_the_manual_shows(tmp_path: Path) -> None:
    shown = (ROOT / "docs/metrics.md").read_text("utf-8").partition("```conf\n")[2].partition("```")[0]
    assert shown.startswith("# prometheus.yml")
    path = re.search(r"/etc/\S+?yml", shown)
    assert path is not None
    (tmp_path / "prometheus.yml").write_text(shown.replace(path[0], str(FOLDER / "alerts.yml")), "utf-8")
    promtool("check", "config", "prometheus.yml", cwd=tmp_path)
    [job] = yaml.safe_load(shown)["scrape_configs"]
    assert f'job="{job["job_name"]}"' in next(rule["expr"] for rule in RULES if "up{" in rule["expr"])


def test_every_alarm_has_a_case_in_which_it_sounds_and_one_in_which_it_does_not() -> None:
    cases = [case for test in TESTS for case in test["alert_rule_test"]]
    names = {rule["alert"] for rule in RULES}
    assert {case["alertname"] for case in cases if case.get("exp_alerts")} == names
    assert {case["alertname"] for case in cases if not case.get("exp_alerts")} == names


def test_the_page_of_alarms_has_no_others() -> None:
    headings = re.findall(r"^## (\w+)$", (ROOT / "docs/alarms.md").read_text("utf-8"), re.MULTILINE)
    assert headings == [rule["alert"] for rule in RULES]


# -- dashboard -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("expr", QUERIES)
def test_a_query_of_the_dashboard_names_what_is_there(expr: str) -> None:
    assert list(faults_of(expr)) == []


def test_prometheus_understands_every_query_of_the_dashboard(tmp_path: Path) -> None:
    rules = [{"record": f"query:{number}", "expr": plain(expr)} for number, expr in enumerate(QUERIES)]
    groups = {"groups": [{"name": "dashboard", "rules": rules}]}
    (tmp_path / "queries.yml").write_text(yaml.safe_dump(groups), "utf-8")
    promtool("check", "rules", "--lint=none", "queries.yml", cwd=tmp_path)


def plain(expr: str) -> str:
    """A query as Grafana sends it: with values for its variables."""
    for name, value in GRAFANA.items():
        expr = expr.replace(name, value)
    return re.sub(r"\$\w+", ".*", expr)


def test_the_dashboard_can_be_imported_anywhere() -> None:
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", DASHBOARD["uid"])
    assert DASHBOARD["title"] and DASHBOARD["schemaVersion"] >= 36
    assert "id" not in DASHBOARD
    variables = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z]+)\}?", json.dumps(DASHBOARD))) - {"__all"}
    assert used <= variables
    uids = re.findall(r'"uid": "([^"]*)"', json.dumps(DASHBOARD))
    assert set(uids) == {DASHBOARD["uid"], "${datasource}"}


def test_panels_have_numbers_of_their_own_and_do_not_lie_on_each_other() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: f"{panel['id']} {panel['title']}")
def test_a_panel_says_what_it_shows(panel: dict[str, Any]) -> None:
    assert panel["title"] and panel["description"] and panel["targets"]
    for target in panel["targets"]:
        legend = set(_USED.findall(target["legendFormat"]))
        known = {
            label
            for name, _ in _SELECTOR.findall(target["expr"])
            for label in METRICS[metric_of(name)].labels
        }
        assert legend <= known | NAMES_OF_PROMETHEUS
