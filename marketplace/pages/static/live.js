// What comes in meanwhile is shown in its place, until the reader has it pause.
"use strict";
(() => {
  const button = document.querySelector("button[data-pause]");
  const place = document.getElementById("live");
  if (!button || !place) return;
  const seconds = Number(place.dataset.again);
  const opened = () => [...place.querySelectorAll("details")].map((one) => one.open);
  let paused = false;

  const look = async () => {
    // Who reads on with the keyboard in there is not thrown out of it.
    if (paused || document.hidden || place.contains(document.activeElement)) return;
    const answer = await fetch(location.href).catch(() => null);
    if (paused || !answer || !answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const found = page.getElementById("live");
    if (!found) return;
    const open = opened();
    place.replaceChildren(...found.childNodes);
    place.querySelectorAll("details").forEach((one, number) => { one.open = open[number] ?? one.open; });
  };

  button.hidden = false;
  button.addEventListener("click", () => {
    paused = !paused;
    button.setAttribute("aria-pressed", String(paused));
    if (!paused) look();
  });
  setInterval(look, seconds * 1000);
})();
