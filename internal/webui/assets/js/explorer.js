// Swagger UI on the endpoints that one may post to. What a client executes goes
// by its session: the page does not know its token, and shows a placeholder.
import { $, asset, ready, script } from "./core.js";

const placeholder = "YOUR_TOKEN";

ready("[data-explorer]", async (element) => {
  if (element.dataset.open) return;
  element.dataset.open = "yes";
  await script(asset("./swagger-ui.js"));
  const post = element.dataset.post;
  const ui = window.SwaggerUIBundle({
    domNode: element,
    url: element.dataset.explorer,
    validatorUrl: null,
    layout: "Plain",
    plugins: [layout(!post)],
    deepLinking: false,
    docExpansion: "list",
    defaultModelsExpandDepth: -1,
    tryItOutEnabled: false,
    syntaxHighlight: { activated: false },
    showMutatedRequest: false,
    requestInterceptor: (request) => (post ? bySession(request, post) : request),
    onComplete: () => {
      if (post) ui.preauthorizeApiKey("token", placeholder);
      patch(element);
    },
  });
  new MutationObserver(() => patch(element)).observe(element, { childList: true, subtree: true });
});

// layout shows the operations, without the title and the landmarks of Swagger
// UI: the page has its own. Whoever has no session of a client gives a token.
function layout(withToken) {
  return ({ React }) => ({
    components: {
      Plain({ getComponent, specSelectors }) {
        const part = (name, connected) => React.createElement(getComponent(name, connected));
        if (specSelectors.loadingStatus() !== "success") return React.createElement("div", { className: "swagger-ui" }, part("errors", true));
        return React.createElement("div", { className: "swagger-ui" }, part("SvgAssets"), part("errors", true),
          withToken && React.createElement("div", { className: "scheme-container" }, part("AuthorizeBtnContainer", true)),
          React.createElement("h2", { className: "sr" }, "Endpoints"), part("operations", true));
      },
    },
  });
}

// bySession sends a message the way on which the session stands for the token.
function bySession(request, post) {
  const url = new URL(request.url, location.href);
  if (url.origin !== location.origin || !url.pathname.startsWith("/api/")) return request;
  request.url = post + url.pathname.slice("/api/".length);
  delete request.headers["X-API-Token"];
  delete request.headers.Authorization;
  request.headers["X-CSRF-Token"] = $("meta[name=csrf]").content;
  return request;
}

// patch names what Swagger UI leaves without a name for those who listen.
function patch(element) {
  for (const [selector, name] of [["select", "Content type"], ["textarea", "Body"], ["input[type=text]", "Value"]]) {
    for (const field of element.querySelectorAll(`${selector}:not([aria-label])`)) {
      if (!field.labels?.length) field.setAttribute("aria-label", field.placeholder || name);
    }
  }
  for (const region of element.querySelectorAll(".opblock-body pre:not([tabindex])")) region.tabIndex = 0;
  element.lang = "en"; // it speaks no other language
}
