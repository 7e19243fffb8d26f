"""How the page looks, in light and dark and on paper. Data."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff; --line: #767f8a; --soft: #f1f3f5; --link: #0b4f9e; --good: #0a5c2b; --bad: #a1121d; --doubt: #7a4b00; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaed; --paper: #14171a; --line: #8b949e; --soft: #22272d; --link: #8ab8ff; --good: #7ddc9a; --bad: #ff9a9a; --doubt: #f2c46d; }
}
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 70rem; margin: 0 auto; padding: 1rem; }
h1, h2, h3 { line-height: 1.25; }
h2 { border-bottom: 2px solid var(--line); padding-bottom: .25rem; margin-top: 2.5rem; }
article { border-left: 4px solid var(--line); padding-left: 1rem; margin: 1.5rem 0; }
a { color: var(--link); }
a:focus-visible, .wide:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; }
dt { font-weight: 600; }
dd { margin: 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; }
caption { text-align: left; font-weight: 600; padding: .25rem 0; }
th, td { border: 1px solid var(--line); padding: .3rem .5rem; text-align: left; vertical-align: top; }
thead th { background: var(--soft); }
tbody th { font-weight: 400; overflow-wrap: anywhere; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
code.command { white-space: nowrap; }
.note { background: var(--soft); padding: .5rem .75rem; }
.blank { font-style: italic; border-style: dashed; min-width: 50%; }
.good { color: var(--good); } .bad { color: var(--bad); } .doubt { color: var(--doubt); }
@media print {
  :root { --ink: #000000; --paper: #ffffff; --soft: #ffffff; --link: #000000; --good: #000000; --bad: #000000; --doubt: #000000; }
  main { max-width: none; padding: 0; } nav { display: none; } article, tr { break-inside: avoid; } .wide { overflow: visible; }
}
"""
