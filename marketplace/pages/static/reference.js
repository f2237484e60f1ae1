// Opens the API reference on our own OpenAPI document.
"use strict";
window.addEventListener("load", () => {
  const place = document.getElementById("reference");
  window.SwaggerUIBundle({
    url: place.dataset.document,
    domNode: place,
    deepLinking: true,
    // Hundreds of operations: the groups first, each drawn when it is opened.
    docExpansion: "none",
    filter: true,
    persistAuthorization: true,
    validatorUrl: null,
    onComplete: () => {
      // Headings follow upon the title, and the one choice that has no name gets one.
      place.querySelectorAll("h3.opblock-tag").forEach((one) => one.setAttribute("aria-level", "2"));
      place.querySelectorAll("#servers").forEach((one) => one.setAttribute("aria-label", "Server"));
    },
  });
});
