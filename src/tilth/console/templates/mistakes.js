"use strict";
// Without this script every form is sent and the page comes anew. With it tags come and go in place, keys
// do what the mouse does, and the tags that others give appear by themselves.
(() => {
  const told = document.getElementById("told"), box = document.getElementById("figures");
  const known = document.getElementById("known");
  const rows = [...document.querySelectorAll(".row")];
  const addresses = rows.map(row => row.dataset.row).join(",");
  let state = document.body.dataset.state, working = 0, last = Promise.resolve();

  const tell = (text, bad = false) => {
    told.textContent = text;
    told.classList.toggle("bad", bad);
  };

  // What the server says holds: the chips of the rows, the table of tags, the names to complete.
  const show = answer => {
    state = answer.state;
    for (const row of rows) {
      const chips = row.querySelector(".chips"), text = answer.chips[row.dataset.row];
      if (text === undefined || chips.dataset.shown === text) continue;
      const held = chips.contains(document.activeElement);
      chips.innerHTML = text;
      chips.dataset.shown = text;
      if (held) row.focus();
    }
    if (!box.contains(document.activeElement)) box.innerHTML = answer.figures;
    known.replaceChildren(...answer.known.map(name => Object.assign(document.createElement("option"), { value: name })));
  };

  const fetched = async (address, options = {}) => {
    const answer = await fetch(address, { ...options, headers: { Accept: "application/json" } });
    if (answer.status === 204) return null;
    const found = await answer.json();
    if (!answer.ok) throw new Error(found.error + (found.mend ? ` (${found.mend})` : ""));
    return found;
  };

  const view = () => `rows=${addresses}&${document.body.dataset.query}`;

  // A change is there when the server has said so; until then its row looks unfinished. One goes after the other,
  // so that the last answer is the newest.
  const change = async (action, fields) => {
    const row = document.getElementById(`row-${fields.get("row")}`);
    row.classList.add("busy");
    working += 1;
    const before = last;
    let done;
    last = new Promise(resolve => { done = resolve; });
    await before;
    try {
      const found = await fetched(`${action}?${view()}`, { method: "POST", body: new URLSearchParams(fields) });
      show(found);
      tell(found.told);
      return true;
    } catch (error) {
      tell(`Not saved: ${fields.get("tag")}: ${error.message}`, true);
      return false;
    } finally {
      working -= 1;
      row.classList.remove("busy");
      done();
    }
  };

  // The fields are free for the next tag at once; if this one could not be kept, its words come back.
  document.addEventListener("submit", async event => {
    const form = event.target;
    if (!form.matches(".add, .chip")) return;
    event.preventDefault();
    const fields = new FormData(form), isNew = form.matches(".add");
    if (isNew) form.reset();
    else form.closest(".row").focus();
    const kept = await change(form.getAttribute("action"), fields);
    if (kept || !isNew || form.elements.tag.value || form.elements.note.value) return;
    for (const name of ["tag", "note"]) form.elements[name].value = fields.get(name);
  });

  for (const select of document.querySelectorAll(".filters select")) {
    select.addEventListener("change", () => select.form.requestSubmit());
  }

  // Empty fields and those that say the usual make long addresses.
  document.querySelector(".filters").addEventListener("submit", event => {
    for (const field of event.target.elements) if (field.value === "") field.disabled = true;
  });
  addEventListener("pageshow", () => {
    for (const field of document.querySelectorAll(".filters :disabled")) field.disabled = false;
  });

  const current = () => document.activeElement?.closest?.(".row");
  const go = step => {
    const at = rows.indexOf(current());
    const next = rows[at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + step))];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  };
  const toggle = (row, number) => {
    const line = box.querySelectorAll("tr[data-tag]")[number - 1];
    if (!row || !line || document.body.classList.contains("nameless")) return;
    const tag = line.dataset.tag;
    const chip = [...row.querySelectorAll(".chip")].find(each => each.elements.tag.value === tag);
    const fields = new FormData();
    fields.set("row", row.dataset.row);
    fields.set("tag", tag);
    change(chip ? "/untag" : "/tag", fields);
  };
  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const field = event.target.closest("input, select, textarea, audio");
    if (event.key === "Escape" && field) {
      (field.closest(".row") ?? document.body).focus();
      field.blur();
      field.closest(".row")?.focus();
      return;
    }
    if (field) return;
    const row = current();
    if (event.key === "j") go(1);
    else if (event.key === "k") go(-1);
    else if (event.key === "t") row?.querySelector(".add [name=tag]").focus();
    else if (event.key === "/") document.querySelector("[name=search]").focus();
    else if (event.key === "p") {
      const sound = row?.querySelector("audio");
      if (sound) sound.paused ? sound.play() : sound.pause();
    } else if (/^[1-9]$/.test(event.key)) toggle(row, Number(event.key));
    else return;
    event.preventDefault();
  });
  document.querySelector(".keys").hidden = false;
  const name = document.querySelector(".ask [name=who]");
  name?.focus();
  name?.select();

  // What others tag, and what comes from files, while the page is looked at.
  setInterval(async () => {
    if (document.hidden || working) return;
    try {
      const before = state, found = await fetched(`/tags?state=${state}&${view()}`);
      if (found && !working && state === before) show(found);
      if (told.dataset.lost) {
        delete told.dataset.lost;
        tell("");
      }
    } catch {
      told.dataset.lost = "1";
      tell("The server does not answer; what you tag now is not saved.", true);
    }
  }, 3000);
  document.documentElement.dataset.ready = "1";
})();
