// What the pages can do with JavaScript. Without it everything can be read; the search, the choice of colours and the copy buttons are missing.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  let kept = null;
  try { kept = localStorage.getItem("mpp-theme"); } catch { /* a browser that keeps nothing */ }
  if (kept === "dark" || kept === "light") root.dataset.theme = kept;

  const make = (name, cls, text) => {
    const made = document.createElement(name);
    if (cls) made.className = cls;
    if (text !== undefined) made.textContent = text;
    return made;
  };

  // Pictures that have a dark form follow the choice made here, not only that of the system.
  function pictures() {
    if (!root.dataset.theme) return;
    for (const source of document.querySelectorAll("picture source")) {
      source.dataset.media ??= source.media;
      if (source.dataset.media.includes("dark")) source.media = root.dataset.theme === "dark" ? "all" : "not all";
      if (source.dataset.media.includes("light")) source.media = root.dataset.theme === "light" ? "all" : "not all";
    }
  }

  function colours() {
    pictures();
    document.querySelector(".theme").addEventListener("click", () => {
      const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = dark ? "light" : "dark";
      pictures();
      try { localStorage.setItem("mpp-theme", root.dataset.theme); } catch { /* as above */ }
    });
  }

  function menu() {
    const button = document.querySelector(".menu"), side = document.getElementById("nav");
    button.addEventListener("click", () => {
      const open = side.classList.toggle("open");
      button.setAttribute("aria-expanded", String(open));
      if (open) scrollTo(0, 0);
    });
    const here = side.querySelector("[aria-current]");
    if (here && getComputedStyle(side).position === "sticky") side.scrollTop = here.offsetTop - side.clientHeight / 3;
  }

  function copying() {
    for (const block of document.querySelectorAll(".code")) {
      const button = make("button", "copy", "Copy");
      button.type = "button";
      button.addEventListener("click", async () => {
        const pre = block.querySelector("pre");
        // Of a console only what is typed: lines after the prompt.
        const typed = [...pre.textContent.matchAll(/^\$ (.*(?:\\\n.*)*)$/gm)].map((one) => one[1]);
        try {
          await navigator.clipboard.writeText(typed.length ? typed.join("\n") + "\n" : pre.textContent);
          button.textContent = "Copied";
        } catch {
          button.textContent = "Not allowed";
        }
        setTimeout(() => { button.textContent = "Copy"; }, 1500);
      });
      block.append(button);
    }
  }

  // Other versions beside this one: a menu in place of the link, and a word where this is not the newest.
  function versions() {
    const script = make("script");
    script.src = `${root.dataset.root}../versions.js`;
    script.addEventListener("load", () => {
      const known = window.mppVersions || [], own = root.dataset.version, place = document.querySelector(".version");
      const names = known.includes(own) ? known : [own, ...known];
      if (names.length < 2) return;
      const chosen = make("select");
      chosen.setAttribute("aria-label", "Version of these pages");
      for (const name of names) {
        const option = make("option", "", name === names[0] ? `${name} (newest)` : name);
        option.value = name;
        option.selected = name === own;
        chosen.append(option);
      }
      chosen.addEventListener("change", () => { location.href = `${root.dataset.root}../${encodeURIComponent(chosen.value)}/index.html`; });
      place.replaceChildren(chosen);
      if (own === names[0]) return;
      const note = make("p", "older", `These pages are of version ${own}. `), link = make("a", "", `The newest is ${names[0]}.`);
      link.href = `${root.dataset.root}../${encodeURIComponent(names[0])}/index.html`;
      note.append(link);
      document.getElementById("main").prepend(note);
    });
    // Where this version stands alone, the link stays as it is.
    script.addEventListener("error", () => script.remove());
    document.head.append(script);
  }

  // The search: words that begin as the typed ones do, all of them in one section of a page.
  const split = (text) => text.toLowerCase().match(/[\p{L}\p{N}]+(?:[._-][\p{L}\p{N}]+)*/gu) || [];
  const SHOWN = 15;
  let loading = null;
  function load() {
    loading ??= new Promise((done, failed) => {
      const script = make("script");
      script.src = `${root.dataset.root}assets/search-index.js?${root.dataset.mark}`;
      script.addEventListener("load", () => done(window.mppIndex));
      script.addEventListener("error", failed);
      document.head.append(script);
    });
    return loading;
  }
  function first(words, prefix) {
    let low = 0, high = words.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (words[middle] < prefix) low = middle + 1; else high = middle;
    }
    return low;
  }
  function find(index, text) {
    const asked = split(text);
    let scores = null;
    for (const word of asked) {
      const hits = new Map();
      for (let at = first(index.words, word); at < index.words.length && index.words[at].startsWith(word); at++) {
        const worth = index.words[at] === word ? 2 : 1;
        for (const entry of index.places[at]) hits.set(entry, Math.max(worth, hits.get(entry) || 0));
      }
      const next = new Map();
      for (const [entry, worth] of hits) if (!scores || scores.has(entry)) next.set(entry, worth + (scores ? scores.get(entry) : 0));
      scores = next;
    }
    const rank = ([entry, worth]) => {
      const [, title, heading, section] = index.entries[entry];
      let sum = worth + (section === "Decisions" || section.startsWith("Files") ? -1 : 0);
      for (const word of asked) {
        if (split(heading).some((one) => one.startsWith(word))) sum += 8;
        if (split(title).some((one) => one.startsWith(word))) sum += heading ? 3 : 9;
      }
      return sum;
    };
    return [...(scores || [])].map((one) => [rank(one), one[0]]).sort((a, b) => b[0] - a[0] || a[1] - b[1]);
  }

  function marked(target, text, asked) {
    const pattern = new RegExp(`(${asked.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|")})`, "iu");
    text.split(pattern).forEach((part, at) => target.append(at % 2 ? make("mark", "", part) : part));
    return target;
  }

  function searching() {
    const input = document.getElementById("search"), list = document.getElementById("found"), count = document.getElementById("count");
    let chosen = -1;
    const close = () => { list.hidden = true; chosen = -1; input.setAttribute("aria-expanded", "false"); input.removeAttribute("aria-activedescendant"); };
    const choose = (to) => {
      const rows = [...list.querySelectorAll("[role=option]")];
      if (!rows.length) return;
      chosen = (to + rows.length) % rows.length;
      rows.forEach((row, at) => row.setAttribute("aria-selected", String(at === chosen)));
      rows[chosen].scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", rows[chosen].id);
    };
    const show = async () => {
      const text = input.value, asked = split(text);
      if (!asked.length) return close();
      let index;
      try { index = await load(); } catch { count.textContent = "The search index cannot be read."; return; }
      if (text !== input.value) return;
      const hits = find(index, text);
      list.replaceChildren();
      hits.slice(0, SHOWN).forEach(([, entry], at) => {
        const [address, title, heading, section, words] = index.entries[entry];
        const row = make("li"), link = make("a");
        row.id = `found-${at}`;
        row.setAttribute("role", "option");
        row.setAttribute("aria-selected", "false");
        link.href = root.dataset.root + address;
        link.tabIndex = -1;
        link.append(marked(make("b"), heading || title, asked), make("span", "of", heading ? `${section} · ${title}` : section), marked(make("span", "words"), words, asked));
        row.append(link);
        list.append(row);
      });
      if (!hits.length) list.append(make("li", "none", "Nothing has all of these words."));
      count.textContent = `${hits.length} found`;
      list.hidden = false;
      chosen = -1;
      input.setAttribute("aria-expanded", "true");
    };
    input.addEventListener("focus", () => { load().catch(() => {}); if (input.value) show(); });
    input.addEventListener("input", show);
    input.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown") { event.preventDefault(); choose(chosen + 1); }
      else if (event.key === "ArrowUp") { event.preventDefault(); choose(chosen - 1); }
      else if (event.key === "Escape") { close(); input.blur(); }
      else if (event.key === "Enter") {
        const rows = list.querySelectorAll("[role=option] a");
        if (rows.length) { event.preventDefault(); rows[Math.max(chosen, 0)].click(); close(); }
      }
    });
    document.addEventListener("click", (event) => { if (!event.target.closest(".search")) close(); });
    document.addEventListener("keydown", (event) => {
      const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
      if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) { event.preventDefault(); input.focus(); input.select(); }
    });
  }

  document.addEventListener("DOMContentLoaded", () => { colours(); menu(); copying(); versions(); searching(); });
})();
