// A form that is on its way is not sent a second time; the server would take it once in any case.
"use strict";
const PAUSE = 4000;
const free = (form) => {
  delete form.dataset.sent;
  form.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
};
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  if (event.submitter) event.submitter.setAttribute("aria-busy", "true");
  // The answer may be a file, which leaves the page as it is.
  setTimeout(() => free(form), PAUSE);
});
// What was left empty in a search stands in no address.
document.addEventListener("formdata", (event) => {
  if (event.target.getAttribute("action") !== "/listings") return;
  const left = [...event.formData].filter(([, value]) => value === "");
  left.forEach(([name]) => event.formData.delete(name));
});
// Who registers is most often where the browser is.
const zone = document.querySelector('form[action="/register"] select#time_zone');
if (zone && zone.value === "UTC") {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if ([...zone.options].some((one) => one.value === here)) zone.value = here;
}
// Who goes back finds the page as it was left.
window.addEventListener("pageshow", () => {
  document.querySelectorAll("form[data-sent]").forEach(free);
});
