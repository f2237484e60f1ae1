// Opens the API reference on our own OpenAPI document.
"use strict";
window.addEventListener("load", () => {
  const place = document.getElementById("reference");
  window.SwaggerUIBundle({
    url: place.dataset.document,
    domNode: place,
    deepLinking: true,
    persistAuthorization: true,
    validatorUrl: null,
  });
});
