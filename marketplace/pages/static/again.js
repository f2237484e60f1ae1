// While a job is at work its page looks again, ever seldomer; what has changed is put in its place.
// What is typed, opened or held by the keyboard stays, and so does where the reader has scrolled to.
"use strict";
(() => {
  const MARK = "script[data-again]";
  const LONGEST = 60000;
  const OWN = ["open", "aria-busy", "data-sent"];
  const main = document.getElementById("main");
  let pause = Number(document.querySelector(MARK).dataset.again) * 1000;
  let left = false;

  const touched = (one) => {
    if (one.type === "checkbox" || one.type === "radio") return one.checked !== one.defaultChecked;
    if (!one.options) return one.value !== one.defaultValue;
    const options = [...one.options];
    if (!options.some((option) => option.defaultSelected)) return one.selectedIndex > 0;
    return options.some((option) => option.selected !== option.defaultSelected);
  };
  // What a reader is at work on, or has yet to correct.
  const kept = (node) => node.nodeType === Node.ELEMENT_NODE
    && (node.contains(document.activeElement) || [node, ...node.querySelectorAll("*")].some(
      (one) => one.matches("[aria-invalid], [data-names]") || (one.matches("input, select, textarea") && touched(one)),
    ));
  const kin = (old, fresh) => old.nodeName === fresh.nodeName
    && (old.nodeType !== Node.ELEMENT_NODE
      || ["id", "action"].every((name) => old.getAttribute(name) === fresh.getAttribute(name)));

  const become = (old, fresh) => {
    if (old.isEqualNode(fresh)) return;
    if (old.nodeType !== Node.ELEMENT_NODE) {
      old.nodeValue = fresh.nodeValue;
      return;
    }
    new Set([...old.getAttributeNames(), ...fresh.getAttributeNames()]).forEach((name) => {
      const value = fresh.getAttribute(name);
      if (OWN.includes(name) || value === old.getAttribute(name)) return;
      if (value === null) old.removeAttribute(name);
      else old.setAttribute(name, value);
    });
    within(old, fresh);
  };
  const within = (old, fresh) => {
    const before = [...old.childNodes];
    const after = [...fresh.childNodes];
    let stands = null;
    while (before.length && after.length && before[0].isEqualNode(after[0])) {
      before.shift();
      after.shift();
    }
    while (before.length && after.length && before.at(-1).isEqualNode(after.at(-1))) {
      stands = before.pop();
      after.pop();
    }
    before.forEach((one) => {
      const found = after.findIndex((other) => kin(one, other));
      if (found >= 0) {
        one.before(...after.splice(0, found));
        become(one, after.shift());
      } else if (kept(one)) left = true;
      else one.remove();
    });
    after.forEach((one) => old.insertBefore(one, stands));
  };

  // Whether there is more to come.
  const look = async () => {
    if (document.hidden) return true;
    const answer = await fetch(location.href).catch(() => null);
    if (!answer || !answer.ok) return true;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const waits = page.querySelector(MARK) !== null;
    if (answer.redirected || (!waits && page.querySelector("meta[http-equiv]"))) {
      // It leads elsewhere; nobody is taken away from what they are typing.
      if ([...main.children].some(kept)) return true;
      location.replace(answer.redirected ? answer.url : location.href);
      return false;
    }
    left = false;
    document.title = page.title;
    within(main, page.getElementById("main"));
    return waits || left;
  };
  const again = () => setTimeout(async () => {
    if (!await look()) return;
    pause = Math.min(pause * 1.1, LONGEST);
    again();
  }, pause);
  again();
})();
