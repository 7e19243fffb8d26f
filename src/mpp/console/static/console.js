// Comfort only: each page works without this file.
(function () {
  "use strict";

  // The token stands behind the "#" of the first address, which no browser sends anywhere. It goes into the form, and out of the address line.
  var token = document.getElementById("token");
  function enter() {
    if (location.hash.length < 2) return;
    token.value = decodeURIComponent(location.hash.slice(1));
    history.replaceState(null, "", location.pathname);
    token.form.submit();
  }
  if (token) {
    // Who opens a new address on this page changes only what stands behind the "#".
    addEventListener("hashchange", enter);
    enter();
  }

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

  // A part of a page that is kept true: data-live names where news comes from, data-fresh the page that it is taken from anew.
  // What comes is parsed as a document of its own, in which nothing runs, and moved over; no markup is ever made here.
  document.querySelectorAll("[data-live]").forEach(function (part) {
    var sign = document.getElementById(part.dataset.sign);
    function tell(words, on) {
      if (!sign) return;
      sign.textContent = words;
      sign.classList.toggle("on", on);
    }
    function renew() {
      var asked = new XMLHttpRequest();
      asked.open("GET", part.dataset.fresh);
      asked.responseType = "document";
      asked.onload = function () {
        var fresh = asked.status === 200 && asked.response && asked.response.getElementById(part.id);
        if (!fresh) { tell("You are not in any more; load the page again", false); return; }
        if (part.contains(document.activeElement)) { tell("There is news; load the page again to see it", true); return; }
        part.replaceChildren.apply(part, Array.from(document.importNode(fresh, true).childNodes));
      };
      asked.send();
    }
    var news = new EventSource(part.dataset.live);
    news.onopen = function () { tell("Live", true); };
    news.onerror = function () { tell("Not live; trying again", false); };
    news.addEventListener("changed", renew);
  });
})();
