"use strict";
// Tables whose lines can be put in another order: by the number, or the text, of a column.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, at) => {
    if (!head.textContent) return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = row => {
        const cell = row.cells[at];
        return "sort" in cell.dataset ? Number(cell.dataset.sort) : cell.textContent.trim();
      };
      const compare = (a, b) => typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? -1 : 1;
      const own = [...body.rows].filter(row => row.classList.contains("own"));
      const rows = [...body.rows].filter(row => !row.classList.contains("own"));
      rows.sort((a, b) => (down ? -1 : 1) * compare(key(a), key(b)));
      body.replaceChildren(...own, ...rows);
    });
  });
}
document.documentElement.dataset.ready = "1";
