// What every page has: the switch of colours, buttons that copy, the menu on a narrow screen.
"use strict";

function readTheme() {
  return document.documentElement.dataset.theme || "auto";
}

function setTheme(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    if (theme === "auto") localStorage.removeItem("theme");
    else localStorage.setItem("theme", theme);
  } catch {
    // then it holds for this page
  }
}

for (const button of document.querySelectorAll("[data-theme-switch]")) {
  const show = () => { button.textContent = button.dataset[readTheme()]; };
  button.addEventListener("click", () => {
    setTheme({ auto: "dark", dark: "light", light: "auto" }[readTheme()]);
    show();
  });
  show();
  button.hidden = false;
}

if (navigator.clipboard) {
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const text = button.textContent;
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "✓";
      setTimeout(() => { button.textContent = text; }, 1500);
    });
  }
}

// Without a script the menu is open everywhere; with one it is shut where it would fill the screen.
const menu = document.querySelector("details.menu");
if (menu) {
  const narrow = matchMedia("(max-width: 60rem)");
  const fit = () => { menu.open = !narrow.matches; };
  narrow.addEventListener("change", fit);
  fit();
}
