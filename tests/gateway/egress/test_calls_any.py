"""Whatever handlers and webhooks answer, each call ends once: taken, or dead after enough tries."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from calls_bench import WEBHOOK, bench, no_answer
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.egress.call_lanes import HANDLER_TRIES, SHARE

ANSWERS = st.sampled_from([200, 200, 204, 404, 410, 500, 503, 0])
SCRIPTS = st.lists(ANSWERS, max_size=12)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), min_size=1, max_size=40),
    st.dictionaries(st.sampled_from("abc"), SCRIPTS),
    st.dictionaries(st.sampled_from("abc"), ANSWERS),
    st.lists(st.sampled_from([0.0, 1.0, 20.0]), min_size=3, max_size=3),
)
def test_each_call_ends_once(
    calls: list[tuple[str, bool]],
    scripts: dict[str, list[int]],
    usual: dict[str, int],
    delays: list[float],
) -> None:
    async def run() -> None:
        async with bench("a", "b", "c") as it:
            for name, delay_s in zip("abc", delays, strict=True):
                for place in (f"http://{name}/", f"http://{name}.hook/"):
                    it.client.takes_s[place] = delay_s
                    it.client.usual[place] = usual.get(name, 200) or no_answer()
                    it.client.answers[place].extend(one or no_answer() for one in scripts.get(name, []))
            ids = []
            for name, is_hook in calls:
                ids += it.write(account=name, target=WEBHOOK if is_hook else 0)
            await it.settled()
            for _ in range(3000):
                if not it.store.rows:
                    break
                await it.advance(100)
            assert sorted(it.store.done + list(it.store.dead)) == ids
            assert it.caller.taken == len(it.store.done) and it.caller.dead == len(it.store.dead)
            tries: dict[bytes, int] = defaultdict(int)
            for posted in it.client.posted:
                if ".hook" not in posted.url:
                    tries[posted.body] += 1
            assert all(count <= HANDLER_TRIES for count in tries.values())
            assert max(it.client.most.values()) <= SHARE
            assert it.caller.under_way == 0

    asyncio.run(run())
