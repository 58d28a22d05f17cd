// Keeps a page fresh: asks for its changing parts and replaces those that changed, by their ids.
"use strict";

(() => {
  const EVERY_MS = 2000;
  const SLOWEST_MS = 30000;
  const PATIENCE_MS = 15000;

  const freshness = document.getElementById("freshness");
  const connection = document.getElementById("connection");
  const shown = new Map();
  let pauseMs = EVERY_MS;
  let timer = 0;
  let lostAt = null;

  // What somebody is in, or has marked, stays as it is until they leave.
  function isInUse(element) {
    if (element.contains(document.activeElement)) return true;
    const selection = document.getSelection();
    return selection !== null && !selection.isCollapsed && selection.containsNode(element, true);
  }

  function replaceParts(html) {
    const parts = new DOMParser().parseFromString(html, "text/html");
    for (const part of parts.querySelectorAll("[data-live]")) {
      const element = document.getElementById(part.id);
      if (element === null || shown.get(part.id) === part.innerHTML || isInUse(element)) continue;
      shown.set(part.id, part.innerHTML);
      element.replaceChildren(...part.childNodes);
    }
  }

  async function refresh() {
    try {
      const answer = await fetch(freshness.dataset.liveFrom, {
        headers: { Accept: "text/html" },
        redirect: "error",
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      if (answer.status === 401) { location.reload(); return; }  // the login is over
      if (!answer.ok) throw new Error(String(answer.status));
      replaceParts(await answer.text());
      pauseMs = EVERY_MS;
      lostAt = null;
      connection.textContent = "";
      freshness.textContent = freshness.dataset.fresh;
    } catch {
      pauseMs = Math.min(pauseMs * 2, SLOWEST_MS);
      if (lostAt === null) {
        lostAt = new Date();
        connection.textContent = connection.dataset.lost.replace("{time}", lostAt.toLocaleTimeString(document.documentElement.lang));
        freshness.textContent = "";
      }
    }
    plan();
  }

  function plan() {
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(refresh, pauseMs);
  }

  document.addEventListener("visibilitychange", () => {
    pauseMs = EVERY_MS;
    if (document.hidden) clearTimeout(timer);
    else refresh();
  });
  if (freshness !== null) {
    freshness.textContent = freshness.dataset.fresh;
    plan();
  }
})();
