"use strict";
// Click on a column's name: sort by it, click again: the other way round. Undefined cells (a dash) stay last.
for (const table of document.querySelectorAll("table.sortable")) {
  const headers = [...table.tHead.rows[0].cells];
  headers.forEach((header, column) => header.querySelector("button").addEventListener("click", () => {
    const sign = header.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    const body = table.tBodies[0];
    const text = row => row.cells[column].textContent.trim();
    const missing = row => text(row) === "\u2014" || text(row) === "";
    const value = row => {
      const found = text(row).replaceAll(",", "").match(/^([<+-]?)\s*(\d+(?:\.\d+)?)/);
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
