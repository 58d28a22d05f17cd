// Before the page is drawn: light or dark, if somebody chose it with the switch (page.js).
"use strict";
try {
  const chosen = localStorage.getItem("theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // no storage allowed: as the system has it
}
