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
  });
});
