"""What is computed of many nodes keeps the laws that hold without any computing."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
import scaling
from scaling import Costs, Place, Simulation

COSTS = Costs(
    loop=50,
    writer=20,
    writer_batch=500,
    server=60,
    server_batch=2000,
    beside=2,
    tool=5,
    waits=3,
    wal=2700,
    fsync=1500,
)
PLACES = [Place(nodes=nodes, cores=cores) for nodes in (1, 4, 16) for cores in (2, 8)]


def rate(costs: Costs, place: Place, seed: int = 1) -> float:
    return Simulation(costs, place, seed).run(4.0).rate


@pytest.mark.parametrize("place", PLACES)
def test_no_part_does_more_than_it_can(place: Place) -> None:
    found = rate(COSTS, place)
    assert 0 < found <= 1.01 * scaling.capacity(COSTS, place)


def test_the_same_seed_gives_the_same() -> None:
    place = Place(nodes=4)
    assert rate(COSTS, place, 7) == rate(COSTS, place, 7)
    assert rate(COSTS, place, 7) == pytest.approx(rate(COSTS, place, 8), rel=0.1)


def test_nodes_bring_more_until_the_server_is_full() -> None:
    one, four, sixteen = (rate(COSTS, Place(nodes=nodes, cores=8)) for nodes in (1, 4, 16))
    assert four > 3 * one
    assert sixteen > four
    assert rate(COSTS, Place(nodes=16, cores=2)) < sixteen / 2


def test_a_nearer_server_and_fewer_waits_are_faster() -> None:
    assert rate(COSTS, Place(rtt=50)) > rate(COSTS, Place(rtt=2000))
    assert rate(replace(COSTS, waits=1), Place(rtt=1000)) > rate(COSTS, Place(rtt=1000))


def test_the_bottleneck_is_the_part_that_is_made_slow() -> None:
    place = Place(nodes=4, window=100)
    assert scaling.bottleneck(replace(COSTS, loop=2000), place) == "the loop"
    far = scaling.bottleneck(replace(COSTS, waits=500), place)
    assert far in ("round trips", "the clients' windows")  # who has more under way waits as long, for more
    assert scaling.bottleneck(COSTS, replace(place, log_mb_s=1)) == "the log"
    assert scaling.bottleneck(replace(COSTS, server=2000), replace(place, cores=1)) == "the server's cores"


def test_batches_of_two_sizes_tell_what_a_batch_costs() -> None:
    def row(batch: float) -> dict[str, object]:
        return {
            "messages_per_batch": batch,
            "loop_us": 50.0,
            "writer_us": 20 + 500 / batch,
            "server_us": {"backends": 60 + 2000 / batch, "walwriter": 2.0},
            "tool_us": 5.0,
            "statements_per_batch": 12.0,
            "wal_octets": 2700.0,
            "fsync_ms": 1.5,
        }

    found = scaling.costs_of([row(80), row(40)])
    assert found.writer == pytest.approx(COSTS.writer)
    assert found.writer_batch == pytest.approx(COSTS.writer_batch)
    assert found.server == pytest.approx(COSTS.server)
    assert found.server_batch == pytest.approx(COSTS.server_batch)
    assert found.beside == pytest.approx(COSTS.beside)


def test_the_machine_that_was_measured_comes_out_as_it_was_or_the_page_says_why_not() -> None:
    rows = json.loads(scaling.FIGURES.read_text("utf-8"))["rows"]
    row = next(row for row in rows if row["store"] == "PostgreSQL")
    costs = scaling.costs_of([row for row in rows if row["store"] == "PostgreSQL"])
    page = (scaling.FIGURES.parents[1] / "docs" / "scaling.md").read_text("utf-8")
    assert scaling.compared(row, costs) in page
    if row["others_cores"] <= scaling.QUIET:
        assert scaling.measured_again(costs) == pytest.approx(row["rate"], rel=scaling.MARGIN)
    else:
        assert "cannot be compared" in page


def test_the_plot_is_a_picture() -> None:
    picture = scaling.plot(
        {8: [(1, 10.0), (16, 50.0)], 32: [(1, 10.0), (16, 90.0)], 64: [(1, 10.0), (16, 95.0)]}
    )
    lines = ET.fromstring(picture).findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 3
