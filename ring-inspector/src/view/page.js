"use strict";
(() => {
  const figures = document.currentScript.dataset.figures;
  const live = document.getElementById("live");
  const pause = document.getElementById("pause");
  const state = document.getElementById("state");
  const rows = new Map([...document.querySelectorAll("[data-ring]")].map(row => [row.dataset.ring, row]));
  const count = document.getElementById("rings")?.dataset.count;
  let isPaused = false;

  // Said to screen readers only when it changes, so not every second.
  const say = text => { if (state.textContent !== text) state.textContent = text; };

  const show = ring => {
    const row = rows.get(ring.id);
    if (!row) return;
    for (const cell of row.querySelectorAll("[data-figure]")) {
      const text = ring.cells[cell.dataset.figure];
      if (text !== undefined && cell.textContent !== text) cell.textContent = text;
    }
    row.querySelector(".line")?.setAttribute("d", ring.spark);
  };

  const update = async () => {
    if (isPaused || document.hidden) return;
    try {
      const response = await fetch(figures, { cache: "no-store" });
      if (!response.ok) throw new Error(response.status);
      const { rings } = await response.json();
      rings.forEach(show);
      const areOthers = count !== undefined && Number(count) !== rings.length;
      say(areOthers ? "Live. There are other rings: load the page again." : "Live");
    } catch {
      say("The service does not answer.");
    }
  };

  pause.addEventListener("click", () => {
    isPaused = !isPaused;
    pause.setAttribute("aria-pressed", String(isPaused));
    if (isPaused) say("Paused"); else update();
  });
  live.hidden = false;

  // The token is kept for this tab.
  const token = document.getElementById("token");
  if (token) {
    token.value = sessionStorage.getItem("ring-cache-token") ?? "";
    token.form.addEventListener("submit", () => sessionStorage.setItem("ring-cache-token", token.value));
  }

  update();
  setInterval(update, 1000);
})();
