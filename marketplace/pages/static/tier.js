// Explains the tier of what is typed, as it is typed: by the form's own preview, in the reader's words.
"use strict";
(() => {
  const PAUSE = 300;
  const form = document.getElementById("listing");
  const place = document.getElementById("tier");
  if (!form || !place) return;
  let waiting = 0;
  let asked = 0;

  const ask = async () => {
    const mine = ++asked;
    const typed = new FormData(form);
    typed.set("preview", "yes");
    const answer = await fetch(form.action, { method: "POST", body: typed });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const found = page.getElementById("tier");
    // Answers may overtake each other: only the last question's counts.
    if (answer.ok && found && mine === asked) place.replaceChildren(...found.childNodes);
  };

  const names = new Set(["duties", "setting", "audience", "title", "claimed_tier"]);
  form.addEventListener("input", (event) => {
    if (!names.has(event.target.name)) return;
    clearTimeout(waiting);
    waiting = setTimeout(ask, PAUSE);
  });
})();
