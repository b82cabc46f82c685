// One series over time: stacked counts above, negative share with its interval below.

import { byId, count, dateOf, dayOf, drawn, element, momentOf, percent, shortCount, timeOf } from "/page.js";

const LEFT = 46;
const RIGHT = 12;
const TOP = 14;
const BOTTOM = 22;
const GAP = 26;
const SHARE_PART = 0.34;

export class Chart {
  constructor() {
    this.box = byId("chart");
    this.readout = byId("readout");
    this.shown = null;
    this.spans = [];
    this.at = null;
    this.box.addEventListener("pointermove", (event) => this.point(event));
    this.box.addEventListener("pointerleave", () => this.read(null));
    this.box.addEventListener("keydown", (event) => this.step(event));
    this.box.addEventListener("blur", () => this.read(null));
    new ResizeObserver(() => this.draw()).observe(this.box);
  }

  // `answer` as /api/series/points gives it; `spans` are [from, to or null] of its alerts.
  show(answer, spans) {
    this.shown = answer;
    this.spans = spans;
    this.draw();
    this.list();
  }

  say(text, failed = false) {
    this.shown = null;
    this.readout.textContent = "";
    this.box.replaceChildren(element("p", { class: failed ? "state failed" : "state" }, text));
  }

  get buckets() {
    return Math.round((this.end - this.start) / this.step_ms);
  }

  draw() {
    if (!this.shown) return;
    const { width, height } = this.box.getBoundingClientRect();
    if (width < 80) return;
    this.start = Date.parse(this.shown.start);
    this.end = Date.parse(this.shown.end);
    this.step_ms = this.shown.width_seconds * 1000;
    this.width = width;
    this.x = (at) => LEFT + ((at - this.start) / (this.end - this.start)) * (width - LEFT - RIGHT);
    const inner = height - TOP - BOTTOM - GAP;
    this.volume = { top: TOP, bottom: TOP + inner * (1 - SHARE_PART) };
    this.share = { top: this.volume.bottom + GAP, bottom: height - BOTTOM };
    const picture = drawn("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
    picture.append(...this.alertSpans(), ...this.axes(), ...this.bars(), ...this.shares());
    this.cross = drawn("line", { class: "cross", y1: TOP, y2: this.share.bottom, visibility: "hidden" });
    picture.append(this.cross);
    this.box.replaceChildren(picture);
    if (!this.shown.points.length) {
      this.box.append(element("p", { class: "state" }, "No documents in this range."));
    }
    if (this.at !== null) this.read(Math.min(this.at, this.buckets - 1));
  }

  bars() {
    const most = Math.max(1, ...this.shown.points.map((point) => point.documents));
    this.top = niceTop(most);
    const { top, bottom } = this.volume;
    const scale = (bottom - top) / this.top;
    const full = this.x(this.start + this.step_ms) - this.x(this.start);
    // a hair between the bars while there is room for one
    const wide = Math.max(0.8, full > 4 ? full - 1 : full);
    return this.shown.points.flatMap((point) => {
      let level = bottom;
      const told = point.negative + point.neutral + point.positive;
      const parts = [
        ["negative", point.negative],
        ["neutral", point.neutral],
        ["positive", point.positive],
        ["unknown", point.documents - told],
      ];
      return parts.filter(([, value]) => value > 0).map(([name, value]) => {
        level -= value * scale;
        return drawn("rect", { class: name, x: this.x(Date.parse(point.start)), y: level, width: wide, height: value * scale });
      });
    });
  }

  shares() {
    const y = (share) => this.share.bottom - share * (this.share.bottom - this.share.top);
    const half = this.step_ms / 2;
    const known = this.shown.points.filter((point) => point.negative_share !== null)
      .map((point) => ({ ...point, mid: Date.parse(point.start) + half }));
    const shapes = [];
    // a line joins neighbours only: across an empty stretch nothing was measured
    for (const run of runs(known, this.step_ms)) {
      if (run.length === 1) {
        const [one] = run;
        shapes.push(drawn("line", { class: "grid", x1: this.x(one.mid), x2: this.x(one.mid), y1: y(one.share_low), y2: y(one.share_high) }));
        shapes.push(drawn("circle", { class: "share-dot", cx: this.x(one.mid), cy: y(one.negative_share), r: 2 }));
        continue;
      }
      const upper = run.map((point) => `${this.x(point.mid)},${y(point.share_high)}`);
      const lower = run.map((point) => `${this.x(point.mid)},${y(point.share_low)}`).reverse();
      shapes.push(drawn("polygon", { class: "band", points: [...upper, ...lower].join(" ") }));
      shapes.push(drawn("polyline", { class: "share", points: run.map((point) => `${this.x(point.mid)},${y(point.negative_share)}`).join(" ") }));
    }
    return shapes;
  }

  axes() {
    const most = niceTop(Math.max(1, ...this.shown.points.map((point) => point.documents)));
    const lines = [];
    const level = (y, text) => lines.push(
      drawn("line", { class: "grid", x1: LEFT, x2: this.width - RIGHT, y1: Math.round(y), y2: Math.round(y) }),
      drawn("text", { x: LEFT - 7, y: y + 4, "text-anchor": "end" }, text),
    );
    for (const part of [0, 0.5, 1]) {
      if (part === 0.5 && most % 2) continue;
      level(this.volume.bottom - part * (this.volume.bottom - this.volume.top), shortCount(most * part));
    }
    for (const part of [0, 0.5, 1]) level(this.share.bottom - part * (this.share.bottom - this.share.top), `${part * 100} %`);
    lines.push(drawn("text", { class: "axis", x: LEFT, y: this.volume.top - 4 }, `documents per ${this.shown.width}`));
    lines.push(drawn("text", { class: "axis", x: LEFT, y: this.share.top - 6 }, "negative share"));
    for (const at of ticks(this.start, this.end, (this.width - LEFT) / 90)) {
      const midnight = at % 86400000 === 0;
      lines.push(drawn("line", { class: "grid", x1: Math.round(this.x(at)), x2: Math.round(this.x(at)), y1: TOP, y2: this.share.bottom }));
      lines.push(drawn("text", { x: this.x(at), y: this.share.bottom + 16, "text-anchor": "middle" }, midnight ? dayOf(at) : timeOf(at)));
    }
    return lines;
  }

  alertSpans() {
    return this.spans.flatMap(([from, to]) => {
      const left = Math.max(from, this.start);
      const right = Math.min(to ?? this.end, this.end);
      if (right <= left) return [];
      const box = drawn("rect", {
        class: "span", x: this.x(left), y: TOP, width: Math.max(2, this.x(right) - this.x(left)), height: this.share.bottom - TOP,
      });
      const edge = drawn("line", { class: "span-edge", x1: this.x(left), x2: this.x(left), y1: TOP, y2: this.share.bottom });
      return from >= this.start ? [box, edge] : [box];
    });
  }

  point(event) {
    if (!this.shown) return;
    const across = event.clientX - this.box.getBoundingClientRect().left;
    const part = (across - LEFT) / (this.width - LEFT - RIGHT);
    this.read(part < 0 || part >= 1 ? null : Math.floor(part * this.buckets));
  }

  step(event) {
    if (!this.shown) return;
    const last = this.buckets - 1;
    const moves = { ArrowLeft: (this.at ?? last + 1) - 1, ArrowRight: (this.at ?? -1) + 1, Home: 0, End: last, Escape: null };
    if (!(event.key in moves)) return;
    event.preventDefault();
    const to = moves[event.key];
    this.read(to === null ? null : Math.min(last, Math.max(0, to)));
  }

  // Say what bucket number `at` holds; null says nothing.
  read(at) {
    this.at = at;
    if (!this.cross) return;
    this.cross.setAttribute("visibility", at === null ? "hidden" : "visible");
    if (at === null) {
      this.readout.replaceChildren();
      return;
    }
    const start = this.start + at * this.step_ms;
    const across = this.x(start + this.step_ms / 2);
    this.cross.setAttribute("x1", across);
    this.cross.setAttribute("x2", across);
    const point = this.shown.points.find((one) => Date.parse(one.start) === start);
    const said = point
      ? `${count(point.documents)} documents, ${count(point.negative)} negative, ${count(point.neutral)} neutral, `
        + `${count(point.positive)} positive`
        + (point.negative_share === null ? "" : `; share ${percent(point.negative_share)} (${percent(point.share_low)} to ${percent(point.share_high)})`)
      : "no documents";
    this.readout.replaceChildren(element("b", {}, momentOf(start)), ` ${said}`);
  }

  list() {
    const head = ["UTC", "documents", "negative", "neutral", "positive", "share", "95 % interval"];
    const rows = this.shown.points.slice(-200).reverse().map((point) => element("tr", {},
      element("td", {}, dateOf(point.start)),
      ...[point.documents, point.negative, point.neutral, point.positive].map((value) => element("td", {}, count(value))),
      element("td", {}, percent(point.negative_share)),
      element("td", {}, point.negative_share === null ? "–" : `${percent(point.share_low)} – ${percent(point.share_high)}`)));
    byId("table").replaceChildren(element("table", {},
      element("thead", {}, element("tr", {}, ...head.map((text) => element("th", { scope: "col" }, text)))),
      element("tbody", {}, ...rows)));
  }
}

function niceTop(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 4, 5, 10].map((step) => step * power).find((top) => top >= most);
}

function runs(points, step) {
  const found = [];
  for (const point of points) {
    const last = found.at(-1)?.at(-1);
    if (last && point.mid - last.mid <= step) found.at(-1).push(point);
    else found.push([point]);
  }
  return found;
}

// Round times between start and end, about `wanted` of them.
function ticks(start, end, wanted) {
  const minute = 60000;
  const steps = [1, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 7200, 14400, 43200, 144000].map((value) => value * minute);
  const step = steps.find((one) => (end - start) / one <= wanted) ?? steps.at(-1);
  const found = [];
  for (let at = Math.ceil(start / step) * step; at < end; at += step) found.push(at);
  return found;
}
