// Explains the tier of what is typed, as it is typed, by the API's own answer.
"use strict";
(() => {
  const form = document.getElementById("listing");
  const place = document.getElementById("tier");
  if (!form || !place) return;
  const words = place.dataset;
  let waiting = 0;
  let asked = 0;

  const made = (name, text, ...below) => {
    const node = document.createElement(name);
    if (text) node.textContent = text;
    node.append(...below);
    return node;
  };
  const list = (texts) => made("ul", "", ...texts.map((text) => made("li", text)));

  const draw = (found) => {
    const parts = [];
    for (const status of found.open_to) {
      const mark = made("span", words[found[status].tier] || found[status].tier);
      mark.className = `tier ${found[status].tier}`;
      parts.push(made("h3", `${words[`${status}s`]}: `, mark));
      const reasons = list(found[status].reasons.map((one) => one.text));
      reasons.className = "reasons";
      parts.push(reasons);
    }
    if (found.conflicts.length) {
      const told = made("div", "", made("p", "", made("strong", words.conflicts)));
      told.className = "alert bad";
      told.append(list(found.conflicts.map((one) => one.text)));
      parts.push(told);
    }
    if (found.what_if.length) {
      const more = made("details", "", made("summary", words.else));
      more.append(list(found.what_if.map((one) => one.text)));
      parts.push(more);
    }
    const version = made("p", found.version);
    version.className = "help";
    place.replaceChildren(...parts, version);
  };

  const ask = async () => {
    const mine = ++asked;
    const typed = new FormData(form);
    const body = {
      duties: typed.getAll("duties"),
      setting: typed.get("setting"),
      audience: typed.get("audience"),
      title: typed.get("title"),
      claimed: typed.get("claimed_tier") || null,
    };
    const answer = await fetch("/api/v1/tiers/classify", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    // Answers may overtake each other: only the last question's counts.
    if (answer.ok && mine === asked) draw(await answer.json());
  };

  const names = new Set(["duties", "setting", "audience", "title", "claimed_tier"]);
  form.addEventListener("input", (event) => {
    if (!names.has(event.target.name)) return;
    clearTimeout(waiting);
    waiting = setTimeout(ask, 200);
  });
})();
