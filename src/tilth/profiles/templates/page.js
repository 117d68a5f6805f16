"use strict";
(() => {
  const form = document.getElementById("controls");
  if (!form) return;
  const list = document.getElementById("list");
  const none = document.getElementById("none");
  const fields = form.elements;
  const cards = [...list.children].map((element, order) => {
    const [drift, missing, uneven, distinct, anomalies] = element.dataset.k.split(" ").map(Number);
    const name = element.querySelector("summary b bdi");
    return {
      element, order, drift, missing, uneven, distinct, anomalies,
      name: (name.title || name.textContent).toLowerCase(),
      type: element.dataset.t,
      drifted: "d" in element.dataset,
    };
  });
  const byText = new Set(["name", "type"]);

  function compare(key) {
    if (key === "order") return (a, b) => a.order - b.order;
    if (byText.has(key)) return (a, b) => (a[key] < b[key] ? -1 : a[key] > b[key] ? 1 : a.order - b.order);
    const first = key === "drift" ? (a, b) => b.drifted - a.drifted : () => 0;
    return (a, b) => first(a, b) || b[key] - a[key] || a.order - b.order;
  }

  function show() {
    const wanted = fields.find.value.toLowerCase();
    const type = fields.type.value;
    let count = 0;
    for (const card of cards) {
      const fits = card.name.includes(wanted) && (!type || card.type === type) &&
        !(fields.wrong && fields.wrong.checked && !card.anomalies) &&
        !(fields.drifted && fields.drifted.checked && !card.drifted);
      card.element.hidden = !fits;
      count += fits;
    }
    const sorted = [...cards].sort(compare(fields.sort.value));
    if (fields.reverse.checked) sorted.reverse();
    list.append(...sorted.map((card) => card.element));
    none.hidden = count > 0;
    fields.count.value = count === cards.length ? `${count} columns` : `${count} of ${cards.length} columns`;
  }

  function scale() {
    for (const { element } of cards) {
      const choices = [...element.querySelectorAll(".sc label")];
      const found = fields.scale.value && choices.find((choice) => choice.textContent.endsWith(fields.scale.value)) || choices[0];
      if (found) found.firstChild.checked = true;
    }
  }

  function remember() {
    const state = new URLSearchParams();
    for (const field of fields) {
      const value = field.type === "checkbox" ? (field.checked ? "1" : "") : field.value;
      if (field.name && field.matches("input,select") && value && value !== "order") state.set(field.name, value);
    }
    const text = state.toString();
    history.replaceState(null, "", text ? "#" + text : location.pathname + location.search);
  }

  function recall() {
    const hash = location.hash.slice(1);
    if (/^c\d+$/.test(hash)) {
      const target = document.getElementById(hash);
      if (!target) return;
      if (target.hidden) { form.reset(); show(); }
      target.open = true;
      requestAnimationFrame(() => target.scrollIntoView());
      return;
    }
    for (const [name, value] of new URLSearchParams(hash)) {
      const field = fields.namedItem(name);
      if (!field || !field.matches("input,select")) continue;
      if (field.type === "checkbox") field.checked = value === "1";
      else if (field.tagName !== "SELECT" || [...field.options].some((option) => option.value === value)) field.value = value;
    }
    show();
    if (fields.scale.value) scale();
  }

  function openAll(open) {
    for (const { element } of cards) if (!element.hidden) element.open = open;
  }

  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => {
    if (event.target.name === "scale") scale(); else show();
    remember();
  });
  fields.open.addEventListener("click", () => openAll(true));
  fields.close.addEventListener("click", () => openAll(false));
  // A click into an open drawing reads it; only the line of the name closes the column.
  list.addEventListener("click", (event) => {
    const drawing = event.target.closest(".dr");
    if (drawing && drawing.closest("details").open) event.preventDefault();
  });
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = cards.map((card) => card.element).filter((element) => !element.open);
    if (cards.length <= 100) for (const element of closed) element.open = true; else closed = [];
  });
  addEventListener("afterprint", () => { for (const element of closed) element.open = false; });
  addEventListener("hashchange", recall);
  show();
  recall();
})();
