"""`make screenshots`: docs/images/overview.png, the overview of a gateway that has been busy for a while."""

from __future__ import annotations

import asyncio
import math
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from threading import Event

TESTS = Path(__file__).parents[1]
sys.path += [str(TESTS / folder) for folder in ("support", "journeys", "interop")]

from browser_gateway import ACCOUNT, OPERATOR, SHOP, Site, bound, whole_gateway  # noqa: E402
from browser_support import PATIENCE_MS, launch, log_in  # noqa: E402
from journey_support import submit_sm  # noqa: E402
from playwright.sync_api import Browser, sync_playwright  # noqa: E402

PICTURE = TESTS.parent / "docs" / "images" / "overview.png"
OCTETS_MAX = 200_000
BUSY_S = 305
TICK_S = 0.1
TEXT = b"Your order is on its way"


def rate_at(second: float, random: Random) -> tuple[float, float]:
    """Messages a second to north and to south; the latter's bursts are beyond what its SMSC takes."""
    north = 90 + 40 * math.sin(second / 22) + 25 * math.sin(second / 7) + random.gauss(0, 12)
    south = 70 if second % 75 < 14 else 24 + random.gauss(0, 4)
    return max(0.0, north), max(0.0, south)


async def keep_busy(site: Site, is_over: Event) -> None:
    """Sends until it is over; receipts come back meanwhile."""
    random = Random(7)
    clients = [await bound(site, ACCOUNT), await bound(site, SHOP)]
    loop = asyncio.get_running_loop()
    began, due = loop.time(), [0.0, 0.0]
    last = began
    while not is_over.is_set():
        now = loop.time()
        rates, elapsed_s, last = rate_at(now - began, random), now - last, now
        for side, (rate, prefix) in enumerate(zip(rates, ("79991", "74951"), strict=True)):
            due[side] += rate * elapsed_s
            count, due[side] = int(due[side]), due[side] % 1
            numbers = [f"{prefix}{random.randrange(10**5):05}" for _ in range(count)]
            if numbers:
                random.choice(clients).send_together(*(submit_sm(number, TEXT) for number in numbers))
        await asyncio.sleep(TICK_S)
    for client in clients:
        await client.abort()


def main() -> int:
    is_over = Event()
    with (
        tempfile.TemporaryDirectory(prefix="picture") as folder,
        whole_gateway(Path(folder), is_whole=True) as site,
        ThreadPoolExecutor() as pool,
        sync_playwright() as playwright,
    ):
        busy = pool.submit(lambda: asyncio.run(keep_busy(site, is_over)))
        try:
            _take(launch(playwright), site)
        finally:
            is_over.set()
        busy.result()
    size = PICTURE.stat().st_size
    print(f"{PICTURE}: {size} octets")
    return int(size > OCTETS_MAX)


def _take(browser: Browser, site: Site) -> None:
    """Looks on for as long as the plots reach back, then takes the picture down to their end."""
    page = browser.new_page(base_url=site.url, viewport={"width": 1280, "height": 1200}, locale="en-GB")
    page.set_default_timeout(PATIENCE_MS)
    log_in(page, OPERATOR)
    page.wait_for_timeout(BUSY_S * 1000)
    end = page.locator(".plots").bounding_box()
    assert end is not None
    PICTURE.parent.mkdir(exist_ok=True)
    page.screenshot(
        path=PICTURE, clip={"x": 0, "y": 0, "width": 1280, "height": end["y"] + end["height"] + 20}
    )
    browser.close()


if __name__ == "__main__":
    sys.exit(main())
