// Comfort only: each page works without this file.
(function () {
  "use strict";

  // Buttons that copy are shown only where copying works.
  document.querySelectorAll("button[data-copy]").forEach(function (button) {
    if (!navigator.clipboard) return;
    button.hidden = false;
    button.addEventListener("click", function () {
      var source = document.getElementById(button.dataset.copy);
      navigator.clipboard.writeText(source.textContent.trim()).then(function () {
        var before = button.textContent;
        button.textContent = "Copied";
        setTimeout(function () { button.textContent = before; }, 1500);
      });
    });
  });

  // "/" leads to the search, as on many sites.
  document.addEventListener("keydown", function (event) {
    var at = document.activeElement;
    var types = at && (at.matches("input, textarea, select") || at.isContentEditable);
    if (event.key === "/" && !types && !event.ctrlKey && !event.metaKey && !event.altKey) {
      var field = document.querySelector("input[type=search]");
      if (field) { event.preventDefault(); field.focus(); }
    }
  });

  // What is filled in for a tool becomes the command that would call it. Nothing leaves this page.
  document.querySelectorAll("[data-tool]").forEach(function (form) {
    var shown = document.getElementById(form.dataset.tool);
    var fields = form.querySelectorAll("[data-field]");
    function quoted(text) { return "'" + text.replace(/'/g, "'\"'\"'") + "'"; }
    function value(field) {
      if (field.type === "checkbox") return field.checked ? true : undefined;
      if (field.value === "") return undefined;
      if (field.dataset.kind === "string") return field.value;
      try { return JSON.parse(field.value); } catch (_fault) { return field.value; }
    }
    function renew() {
      var all = [];
      fields.forEach(function (field) {
        var found = value(field);
        if (found !== undefined) all.push(JSON.stringify(field.dataset.field) + ": " + JSON.stringify(found));
      });
      shown.textContent = form.dataset.call + " --args " + quoted("{" + all.join(", ") + "}");
    }
    form.addEventListener("input", renew);
  });
})();
