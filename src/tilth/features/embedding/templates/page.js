"use strict";
(async () => {
  const $ = (id) => document.getElementById(id);
  const COLORS = ["#4e79a7", "#f28e2b", "#e15759", "#3fa7a0", "#59a14f", "#d4a72c", "#b07aa1", "#f07ca8", "#9c755f", "#6f63d9",
    "#17a2c4", "#a6b727", "#c2410c", "#7c9ed9", "#86c06c", "#e0569b", "#8f8b3a", "#5b8c85", "#c48ae0", "#d98c6a"];
  const RAMP = ["#3a6fd8", "#8f57c8", "#d4488e", "#f0703f", "#f5b23b"];
  const BOTH_WAYS = ["#3b76d6", "#a9b1b9", "#d8453e"];
  const OTHER = "#8a949e";
  const MOST_ZOOM = 200;
  const NEAR = 14;

  async function unpack(text) {
    const bytes = Uint8Array.from(atob(text.trim()), (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  }

  let data;
  try {
    data = await unpack($("data").textContent);
  } catch (error) {
    $("problem").textContent = `The points cannot be unpacked; a browser of 2023 or later is needed. (${error})`;
    $("problem").hidden = false;
    return;
  }
  let media = null;
  const form = $("controls"), fields = form.elements;
  const canvas = $("points"), context = canvas.getContext("2d", { alpha: false });
  const captions = [...document.querySelectorAll(".caption")];
  const n = data.rows.length;
  const positions = data.points.map((points) => Float32Array.from(points));
  const spans = positions.map((each) => {
    const span = (start) => {
      let low = Infinity, high = -Infinity;
      for (let i = start; i < each.length; i += 2) [low, high] = [Math.min(low, each[i]), Math.max(high, each[i])];
      return Math.max(high - low, 1);
    };
    return [span(0), span(1)];
  });
  const view = { x: 32767.5, y: 32767.5, zoom: 1 };
  const color = { column: null, groups: [], group: new Uint8Array(n), ink: new Uint32Array(n), hidden: new Set() };
  let points = positions[0], selected = -1, hovered = -1, image = null, buffer = null, ratio = 1, waiting = false;

  // Colors

  function rgb(name) {
    context.fillStyle = name;
    const value = parseInt(context.fillStyle.slice(1), 16);
    return [value >> 16, (value >> 8) & 255, value & 255];
  }
  const ink = ([red, green, blue]) => (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
  const styled = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function ramp(stops) {
    const ends = stops.map(rgb);
    return Uint32Array.from({ length: 256 }, (_, step) => {
      const place = (step / 255) * (ends.length - 1), low = Math.min(Math.floor(place), ends.length - 2);
      return ink(ends[low].map((from, i) => Math.round(from + (ends[low + 1][i] - from) * (place - low))));
    });
  }

  const number = (value) => typeof value === "number" ? value.toLocaleString("en", { maximumSignificantDigits: 6 }) : value;
  function date(value) {
    const text = new Date(value).toISOString().replace("T", " ").replace("Z", "");
    return text.replace(/\.000$/, "").replace(/ 00:00:00$/, "");
  }
  function shown(column, row) {
    if (column.t === "value") return column.c[row] < 0 ? null : column.v[column.c[row]];
    const value = column.d[row];
    return value === null ? null : column.t === "date" ? date(value) : number(value);
  }

  function paint(column) {
    color.column = column;
    color.hidden.clear();
    const missing = { text: "missing", color: styled("--missing"), count: 0 };
    if (!column) {
      color.groups = [{ text: "all points", color: COLORS[0], count: n }];
      color.group.fill(0);
      color.ink.fill(ink(rgb(COLORS[0])));
    } else if (column.t === "value") paintValues(column, missing);
    else paintNumbers(column, missing);
    writeLegend();
  }

  function paintValues(column, missing) {
    const many = column.v.length, named = many <= COLORS.length ? many : COLORS.length - 1;
    const both = column.v.length === 2 && column.v[1] === "wrong" && column.n === "error";
    const groups = column.v.slice(0, named).map((text, place) => (
      { text, color: both ? [OTHER, styled("--error")][place] : COLORS[place], count: 0 }));
    const other = groups.length;
    if (named < many) groups.push({ text: `${(many - named).toLocaleString("en")} other values`, color: OTHER, count: 0 });
    const last = groups.push(missing) - 1;
    const inks = groups.map((group) => ink(rgb(group.color)));
    for (let i = 0; i < n; i++) {
      const code = column.c[i], group = code < 0 ? last : code < named ? code : other;
      color.group[i] = group;
      color.ink[i] = inks[group];
      groups[group].count++;
    }
    color.groups = groups;
  }

  function paintNumbers(column, missing) {
    const there = Float64Array.from(column.d.filter((value) => typeof value === "number")).sort();
    const at = (share) => there[Math.min(there.length - 1, Math.floor(share * there.length))];
    let low = at(0.02), high = at(0.98);
    if (!(low < high)) [low, high] = [there[0], there[there.length - 1]];
    if (column.m) [low, high] = [-Math.max(-low, high), Math.max(-low, high)];
    const stops = column.m ? BOTH_WAYS : RAMP, inks = ramp(stops), none = ink(rgb(missing.color));
    let count = 0;
    for (let i = 0; i < n; i++) {
      const value = column.d[i] === "∞" ? Infinity : column.d[i] === "-∞" ? -Infinity : column.d[i];
      const is = value !== null;
      color.group[i] = is ? 0 : 1;
      color.ink[i] = is ? inks[Math.max(0, Math.min(255, Math.round(high > low ? (value - low) / (high - low) * 255 : 128)))] : none;
      count += is;
    }
    missing.count = n - count;
    color.groups = [{ text: "values", count, stops, low, high, below: there[0] < low, above: there[there.length - 1] > high }, missing];
  }

  function element(tag, text, parent) {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (parent) parent.append(made);
    return made;
  }

  function writeLegend() {
    const column = color.column, legend = $("legend");
    $("legend-title").textContent = column ? column.n : "Points";
    legend.replaceChildren();
    color.groups.forEach((group, place) => {
      if (!group.count) return;
      if (group.stops) {
        const bar = element("div", undefined, legend);
        bar.id = "ramp";
        bar.style.background = `linear-gradient(to right, ${group.stops.join(",")})`;
        const ends = element("div", undefined, legend), show = column.t === "date" ? date : number;
        ends.className = "ends";
        element("span", (group.below ? "≤ " : "") + show(group.low), ends);
        element("span", (group.above ? "≥ " : "") + show(group.high), ends);
      }
      const button = element("button", undefined, legend);
      button.type = "button";
      button.dataset.group = place;
      button.setAttribute("aria-pressed", "true");
      const mark = element("i", undefined, button);
      mark.style.setProperty("--k", group.stops ? group.stops[1] : group.color);
      const name = element("bdi", group.text, button);
      name.title = group.text;
      element("small", group.count.toLocaleString("en"), button);
    });
    tell();
  }

  function toggle(group, alone) {
    const others = color.groups.map((_, place) => place).filter((place) => place !== group);
    const isAlone = !color.hidden.has(group) && others.every((place) => color.hidden.has(place));
    if (alone) {
      color.hidden = new Set(isAlone ? [] : others);
    } else if (!color.hidden.delete(group)) color.hidden.add(group);
    for (const button of $("legend").querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(!color.hidden.has(Number(button.dataset.group))));
    }
    tell();
    draw();
  }

  function tell() {
    const left = color.groups.reduce((sum, group, place) => sum + (color.hidden.has(place) ? 0 : group.count), 0);
    fields.count.value = left === n ? "" : `${left.toLocaleString("en")} of ${n.toLocaleString("en")} points`;
  }
  const isShown = (i) => !color.hidden.has(color.group[i]);

  // Drawing: into a buffer of pixels, for tens of thousands of points are too many for paths.

  const unit = () => {
    const [width, height] = spans[positions.indexOf(points)];
    return Math.min(canvas.width / width, canvas.height / height) * 0.94 * view.zoom;
  };
  const across = (i) => (points[2 * i] - view.x) * unit() + canvas.width / 2;
  const down = (i) => (points[2 * i + 1] - view.y) * unit() + canvas.height / 2;

  function disc(radius) {
    const reach = Math.ceil(radius), offsets = [], strengths = [];
    for (let y = -reach; y <= reach; y++) for (let x = -reach; x <= reach; x++) {
      const strength = Math.round(Math.max(0, Math.min(1, radius + 0.5 - Math.hypot(x, y))) * 210);
      if (strength) { offsets.push(y * canvas.width + x); strengths.push(strength); }
    }
    return { reach, offsets: Int32Array.from(offsets), strengths: Int32Array.from(strengths) };
  }

  function drawNow() {
    waiting = false;
    const { width, height } = canvas, scale = unit();
    if (!image || image.width !== width || image.height !== height) {
      image = context.createImageData(width, height);
      buffer = new Uint32Array(image.data.buffer);
    }
    buffer.fill(ink(rgb(styled("--card"))));
    const { reach, offsets, strengths } = disc(Number(fields.size.value) * ratio * Math.min(2.5, view.zoom ** 0.2));
    const hidden = Uint8Array.from(color.groups, (_, place) => color.hidden.has(place));
    const left = width / 2 - view.x * scale, top = height / 2 - view.y * scale;
    for (let i = 0; i < n; i++) {
      if (hidden[color.group[i]]) continue;
      const x = Math.round(points[2 * i] * scale + left), y = Math.round(points[2 * i + 1] * scale + top);
      if (x < reach || y < reach || x >= width - reach || y >= height - reach) continue;
      const middle = y * width + x, red = color.ink[i] & 0xff00ff, green = color.ink[i] & 0xff00;
      for (let k = 0; k < offsets.length; k++) {
        const place = middle + offsets[k], strength = strengths[k], rest = 256 - strength, below = buffer[place];
        const mixed = ((red * strength + (below & 0xff00ff) * rest) >>> 8) & 0xff00ff;
        buffer[place] = 0xff000000 | mixed | (((green * strength + (below & 0xff00) * rest) >>> 8) & 0xff00);
      }
    }
    context.putImageData(image, 0, 0);
    if (hovered >= 0) ring(hovered, 1.5);
    if (selected >= 0) ring(selected, 2.5);
  }

  function ring(i, thick) {
    const radius = (Number(fields.size.value) * Math.min(2.5, view.zoom ** 0.2) + 4) * ratio;
    for (const [name, width] of [["--card", thick + 2.5], ["--text", thick]]) {
      context.strokeStyle = styled(name);
      context.lineWidth = width * ratio;
      context.beginPath();
      context.arc(across(i), down(i), radius, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  function draw() {
    if (!waiting) { waiting = true; requestAnimationFrame(drawNow); }
  }

  function resize() {
    ratio = Math.min(devicePixelRatio || 1, 2);
    canvas.width = Math.max(1, Math.round(canvas.clientWidth * ratio));
    canvas.height = Math.max(1, Math.round(canvas.clientHeight * ratio));
    drawNow();
  }

  // Looking closer

  function zoom(factor, x = canvas.width / 2, y = canvas.height / 2) {
    const before = unit();
    view.zoom = Math.max(0.5, Math.min(MOST_ZOOM, view.zoom * factor));
    const change = 1 / before - 1 / unit();
    view.x += (x - canvas.width / 2) * change;
    view.y += (y - canvas.height / 2) * change;
    draw();
  }
  function pan(x, y) {
    view.x = Math.max(-20000, Math.min(85535, view.x - x / unit()));
    view.y = Math.max(-20000, Math.min(85535, view.y - y / unit()));
    draw();
  }
  function whole() {
    Object.assign(view, { x: 32767.5, y: 32767.5, zoom: 1 });
    draw();
  }

  function nearest(x, y, most) {
    const scale = unit(), left = (x - canvas.width / 2) / scale + view.x, top = (y - canvas.height / 2) / scale + view.y;
    let found = -1, least = (most / scale) ** 2;
    for (let i = 0; i < n; i++) {
      const distance = (points[2 * i] - left) ** 2 + (points[2 * i + 1] - top) ** 2;
      if (distance < least && isShown(i)) [found, least] = [i, distance];
    }
    if (found < 0 || selected < 0) return found;
    // Of several at one place each click takes the next.
    const same = (i) => isShown(i) && points[2 * i] === points[2 * found] && points[2 * i + 1] === points[2 * found + 1];
    if (!same(selected)) return found;
    for (let step = 1; step <= n; step++) if (same((selected + step) % n)) return (selected + step) % n;
    return found;
  }

  function beside(dx, dy) {
    let found = -1, least = Infinity;
    for (let i = 0; i < n; i++) {
      const x = points[2 * i] - points[2 * selected], y = points[2 * i + 1] - points[2 * selected + 1];
      const along = x * dx + y * dy, aside = Math.abs(x * dy) + Math.abs(y * dx);
      if (along <= 0 || aside > along || !isShown(i)) continue;
      const distance = along + 2 * aside;
      if (distance < least) [found, least] = [i, distance];
    }
    return found;
  }

  // The example

  function pictures(kind, row) {
    media = media || JSON.parse($("media").textContent);
    return media.filter((each) => each.t === kind && each.d[row]).map((each) => each.d[row]);
  }

  function select(row) {
    selected = row;
    const panel = $("example");
    panel.replaceChildren();
    if (row < 0) {
      element("h2", "Example", panel);
      element("p", "Click a point to see its values.", panel);
    } else {
      element("h2", `Row ${(data.rows[row] + 1).toLocaleString("en")}`, panel);
      for (const address of pictures("image", row)) {
        const picture = element("img", undefined, panel);
        picture.src = address;
        picture.alt = "the example's image, small";
      }
      for (const address of pictures("audio", row)) {
        const player = element("audio", undefined, panel);
        player.controls = true;
        player.src = address;
      }
      const table = element("table", undefined, panel);
      for (const column of data.columns) {
        const line = element("tr", undefined, table), value = shown(column, row);
        const head = element("th", undefined, line);
        head.scope = "row";
        element("bdi", column.n, head);
        const cell = element("td", undefined, line);
        element("bdi", value === null ? "missing" : value, cell).className = value === null ? "none" : "";
      }
      panel.scrollTop = 0;
    }
    remember();
    draw();
  }

  function bring(row) {
    const x = across(row), y = down(row);
    if (x < 0 || y < 0 || x > canvas.width || y > canvas.height) pan(canvas.width / 2 - x, canvas.height / 2 - y);
  }

  function hover(row, x, y) {
    const tip = $("tip");
    if (row !== hovered) {
      hovered = row;
      tip.replaceChildren();
      if (row >= 0) {
        for (const address of pictures("image", row).slice(0, 1)) {
          const picture = element("img", undefined, tip);
          picture.src = address;
          picture.alt = "";
          picture.style.minWidth = "4rem";
        }
        const value = color.column && shown(color.column, row);
        element("div", color.column ? `${color.column.n}: ${value === null ? "missing" : value}` : `row ${data.rows[row] + 1}`, tip);
      }
      draw();
    }
    tip.hidden = row < 0;
    if (row < 0) return;
    const right = x > canvas.clientWidth * 0.7, low = y > canvas.clientHeight * 0.7;
    tip.style.left = right ? "" : `${x + 14}px`;
    tip.style.right = right ? `${canvas.clientWidth - x + 14}px` : "";
    tip.style.top = low ? "" : `${y + 14}px`;
    tip.style.bottom = low ? `${$("picture").clientHeight - y + 14}px` : "";
  }

  // Hands

  const fingers = new Map();
  let moved = 0;
  const spread = () => {
    const [a, b] = [...fingers.values()];
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, far: Math.hypot(a.x - b.x, a.y - b.y) || 1 };
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    if (event.isTrusted) canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
    moved = fingers.size > 1 ? Infinity : 0;
  });
  canvas.addEventListener("pointermove", (event) => {
    const here = { x: event.offsetX, y: event.offsetY }, last = fingers.get(event.pointerId);
    if (!last) {
      if (event.pointerType !== "touch") hover(nearestFree(here.x * ratio, here.y * ratio), here.x, here.y);
      return;
    }
    const before = fingers.size === 2 ? spread() : null;
    fingers.set(event.pointerId, here);
    if (before) {
      const after = spread();
      pan((after.x - before.x) * ratio, (after.y - before.y) * ratio);
      zoom(after.far / before.far, after.x * ratio, after.y * ratio);
      return;
    }
    moved += Math.abs(here.x - last.x) + Math.abs(here.y - last.y);
    if (moved > 4) {
      canvas.classList.add("pan");
      hover(-1);
      pan((here.x - last.x) * ratio, (here.y - last.y) * ratio);
    }
  });
  function nearestFree(x, y) {
    const kept = selected;
    selected = -1;
    const found = nearest(x, y, NEAR * ratio);
    selected = kept;
    return found;
  }
  function release(event) {
    if (!fingers.delete(event.pointerId)) return;
    canvas.classList.remove("pan");
    if (event.type === "pointerup" && moved <= 4) select(nearest(event.offsetX * ratio, event.offsetY * ratio, NEAR * ratio));
  }
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointerleave", () => hover(-1));
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 20 : 1;
    zoom(Math.exp(-Math.max(-120, Math.min(120, event.deltaY * lines)) / 300), event.offsetX * ratio, event.offsetY * ratio);
  }, { passive: false });

  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    if (arrow && event.shiftKey) pan(-arrow[0] * canvas.width / 10, -arrow[1] * canvas.height / 10);
    else if (arrow || event.key === "Enter" || event.key === " ") {
      const next = arrow && selected >= 0 ? beside(...arrow) : nearest(canvas.width / 2, canvas.height / 2, Infinity);
      if (next >= 0) { select(next); bring(next); }
    } else if (event.key === "+" || event.key === "=") zoom(1.4);
    else if (event.key === "-") zoom(1 / 1.4);
    else if (event.key === "0") whole();
    else if (event.key === "Escape") select(-1);
    else return;
    event.preventDefault();
  });

  // Choices

  const columnOf = (name) => data.columns.findIndex((column) => column.n === name);

  function remember() {
    const state = new URLSearchParams();
    if (data.methods.length > 1) state.set("method", data.methods[method()]);
    if (color.column) state.set("color", color.column.n);
    if (selected >= 0) state.set("row", data.rows[selected] + 1);
    history.replaceState(null, "", "#" + state);
  }
  const method = () => data.methods.length > 1 ? Number(fields.method.value) : 0;
  function choose() {
    points = positions[method()];
    captions.forEach((caption, place) => { caption.hidden = place !== method(); });
    draw();
  }
  function recall() {
    const state = new URLSearchParams(location.hash.slice(1));
    const wanted = data.methods.indexOf(state.get("method"));
    if (wanted >= 0 && data.methods.length > 1) fields.method.value = String(wanted);
    if (state.has("color")) fields.color.value = String(columnOf(state.get("color")));
    if (fields.color.selectedIndex < 0) fields.color.value = "-1";
    paint(data.columns[Number(fields.color.value)] || null);
    choose();
    select(data.rows.indexOf(Number(state.get("row")) - 1));
  }

  element("option", "nothing", fields.color).value = "-1";
  data.columns.forEach((column, place) => { element("option", column.n, fields.color).value = String(place); });
  fields.color.value = data.colored ? "0" : "-1";
  fields.size.value = String(n > 20000 ? 1.5 : n > 4000 ? 2 : n > 800 ? 3 : 4);
  form.hidden = $("main").hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => {
    if (event.target === fields.color) { paint(data.columns[Number(fields.color.value)] || null); draw(); }
    else if (event.target.name === "method") { hover(-1); choose(); }
    else draw();
    remember();
  });
  fields.in.addEventListener("click", () => zoom(1.5));
  fields.out.addEventListener("click", () => zoom(1 / 1.5));
  fields.whole.addEventListener("click", whole);
  $("legend").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) toggle(Number(button.dataset.group), event.shiftKey);
  });
  addEventListener("hashchange", recall);
  matchMedia("(prefers-color-scheme:dark)").addEventListener("change", () => { paint(color.column); draw(); });
  new ResizeObserver(resize).observe(canvas);
  recall();
  resize();
  document.documentElement.dataset.ready = "1";
})();
