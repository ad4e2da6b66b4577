"use strict";
// Everything here is an extra: without it the page shows all of its figures, tables and words.
const root = document.documentElement;
root.classList.add("js");

// Light or dark: as the system says, until the button is pressed.
const dark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
const theme = document.querySelector(".theme");
const named = () => { theme.textContent = dark() ? "Light" : "Dark"; };
theme.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; named(); });
named();

// Numbers of a row: at the pointer, or at the keyboard's place. A chart is one stop of the tab key, arrows move inside.
const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
document.body.append(tip);
const show = (text, box) => {
  tip.textContent = text;
  tip.hidden = false;
  const own = tip.getBoundingClientRect();
  const left = Math.max(8, Math.min(box.left + 12, innerWidth - own.width - 8));
  const above = box.top - own.height - 10;
  tip.style.left = `${left}px`;
  tip.style.top = `${above > 8 ? above : Math.min(box.bottom + 12, innerHeight - own.height - 8)}px`;
};
const hide = () => { tip.hidden = true; };
for (const chart of document.querySelectorAll("svg.chart[role=img]")) {
  const rows = [...chart.querySelectorAll(".row")];
  chart.setAttribute("role", "group"); // its rows can be reached now: it is no longer one image
  rows.forEach((row, place) => {
    const title = row.querySelector("title");
    const said = title.textContent;
    title.remove(); // the page shows it itself, at once
    row.setAttribute("role", "img");
    row.setAttribute("aria-label", said);
    row.setAttribute("tabindex", place ? "-1" : "0");
    row.addEventListener("pointermove", event => show(said,
      { left: event.clientX, top: event.clientY, bottom: event.clientY }));
    row.addEventListener("pointerleave", hide);
    row.addEventListener("focus", () => show(said, row.getBoundingClientRect()));
    row.addEventListener("blur", hide);
    row.addEventListener("keydown", event => {
      const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
      if (event.key === "Escape") hide();
      if (!step) return;
      event.preventDefault();
      const next = rows[(place + step + rows.length) % rows.length];
      row.setAttribute("tabindex", "-1");
      next.setAttribute("tabindex", "0");
      next.focus();
    });
  });
}
addEventListener("scroll", hide, { passive: true });

// The filter: what has the label stands out in charts and tables, what has another steps back.
const find = document.querySelector(".find input");
if (find) find.addEventListener("input", () => {
  const wanted = find.value.trim().toLowerCase();
  let found = 0;
  for (const item of document.querySelectorAll("[data-label]")) {
    const meets = wanted !== "" && item.dataset.label.toLowerCase().includes(wanted);
    item.classList.toggle("found", meets);
    found += meets;
  }
  root.classList.toggle("filtered", found > 0);
});

// Click on a column's name: sort by it, click again: the other way round. Undefined cells (a dash) stay last.
for (const table of document.querySelectorAll("table.sortable")) {
  const headers = [...table.tHead.rows[0].cells];
  headers.forEach((header, column) => header.querySelector("button").addEventListener("click", () => {
    const sign = header.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    const body = table.tBodies[0];
    const text = row => row.cells[column].textContent.trim();
    const missing = row => text(row) === "\u2014" || text(row) === "";
    const value = row => {
      const found = text(row).replaceAll(",", "").replaceAll("\u2212", "-").match(/^([<+-]?)\s*(\d+(?:\.\d+)?)/);
      if (!found) return NaN;
      const number = parseFloat(found[2]);
      return found[1] === "-" ? -number : found[1] === "<" ? number - 1e-9 : number;
    };
    const rows = [...body.rows];
    const known = rows.filter(row => !missing(row));
    const numeric = known.every(row => !Number.isNaN(value(row)));
    known.sort((a, b) => sign * (numeric ? value(a) - value(b)
      : text(a).localeCompare(text(b), "en", { numeric: true })));
    for (const row of [...known, ...rows.filter(missing)]) body.append(row);
    headers.forEach(other => other.removeAttribute("aria-sort"));
    header.setAttribute("aria-sort", sign === 1 ? "ascending" : "descending");
  }));
}

// A table that is wider than its box says so.
const hints = () => {
  for (const box of document.querySelectorAll(".scroll"))
    box.previousElementSibling.classList.toggle("on", box.scrollWidth > box.clientWidth + 1);
};
hints();
addEventListener("resize", hints);
document.addEventListener("toggle", hints, true);

// The contents close once a place is chosen; all that is folded is open where the link leads, and on paper.
const contents = document.querySelector(".toc");
contents.addEventListener("click", event => { if (event.target.closest("a")) contents.open = false; });
document.addEventListener("click", event => { if (!contents.contains(event.target)) contents.open = false; });
document.addEventListener("keydown", event => { if (event.key === "Escape") contents.open = false; });
addEventListener("hashchange", () => {
  const target = document.getElementById(location.hash.slice(1));
  if (!target) return;
  const folds = [...target.querySelectorAll(":scope > details")];
  for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) folds.push(fold);
  for (const fold of folds) fold.open = true;
  target.scrollIntoView();
});
addEventListener("beforeprint", () => { for (const fold of document.querySelectorAll("main details")) fold.open = true; });
