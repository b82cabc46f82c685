// The alerts: what fires, by which arithmetic, on what evidence.

import { byId, count, dateOf, dayOf, drawn, duration, element, linked, number, percent, probability, seriesKey, seriesName, timeOf } from "/page.js";

export const alertName = (alert) => `${alert.fingerprint}|${alert.opened_at}`;
export const isOpen = (alert) => alert.state !== "resolved";

export class AlertList {
  // `choose(key)` is called with the series of an alert somebody wants to see.
  constructor(choose) {
    this.choose = choose;
    this.known = new Map();
    this.cards = new Map();
    this.loaded = false;
    this.touched = false;
  }

  // Of two records of one alert the higher revision is the later state.
  take(alerts, fresh = false) {
    const news = [];
    for (const alert of alerts) {
      const name = alertName(alert);
      const held = this.known.get(name);
      if (held && held.revision > alert.revision) continue;
      if (held && held.revision === alert.revision && held.acknowledged_by === alert.acknowledged_by) continue;
      if (fresh && alert.state === "firing" && held?.state !== "firing") news.push(alert);
      this.known.set(name, alert);
    }
    this.draw(new Set(news.map(alertName)));
    return news;
  }

  // Forget open alerts that were known as `names` and that the list no longer has.
  settle(names, alerts) {
    const listed = new Set(alerts.map(alertName));
    for (const name of names) {
      if (listed.has(name) || !this.known.has(name) || !isOpen(this.known.get(name))) continue;
      this.known.delete(name);
      this.cards.delete(name);
    }
  }

  get all() {
    return [...this.known.values()];
  }

  get open() {
    return this.all.filter(isOpen);
  }

  of(key) {
    return this.all.filter((alert) => seriesKey(alert.series) === key);
  }

  draw(fresh) {
    const later = (one, other) => (one < other ? 1 : one > other ? -1 : 0);
    const order = { firing: 0, pending: 1 };
    const open = this.open.sort((one, other) => order[one.state] - order[other.state]
      || other.severity - one.severity || later(one.opened_at, other.opened_at));
    const resolved = this.all.filter((alert) => !isOpen(alert))
      .sort((one, other) => later(one.resolved_at, other.resolved_at));
    for (const old of resolved.splice(30)) {
      this.known.delete(alertName(old));
      this.cards.delete(alertName(old));
    }
    this.place(byId("open-alerts"), open, fresh, "No alert is open. Nothing negative is out of the ordinary.");
    this.place(byId("resolved-alerts"), resolved, fresh, null);
    byId("resolved-title").hidden = !resolved.length;
    // until somebody opens or closes one, the first tells its story unasked
    const first = open[0] && this.cards.get(alertName(open[0]));
    if (first && !this.touched && !open.some((alert) => this.cards.get(alertName(alert)).node.open)) first.node.open = true;
  }

  place(box, alerts, fresh, empty) {
    if (!alerts.length) {
      box.replaceChildren(...(empty && this.loaded ? [element("p", { class: "state" }, empty)] : []));
      if (!this.loaded && empty) box.replaceChildren(element("p", { class: "state" }, "Loading the alerts …"));
      return;
    }
    const nodes = alerts.map((alert) => this.card(alert, fresh.has(alertName(alert))));
    // moving a node takes the focus from it, so only what stands elsewhere is moved
    nodes.forEach((node, place) => {
      if (box.children[place] !== node) box.insertBefore(node, box.children[place] ?? null);
    });
    while (box.children.length > nodes.length) box.lastElementChild.remove();
  }

  card(alert, fresh) {
    const name = alertName(alert);
    let card = this.cards.get(name);
    if (!card) {
      const summary = element("summary", {});
      summary.addEventListener("click", () => { this.touched = true; });
      const body = element("div", { class: "body" });
      card = { node: element("details", { class: "alert" }, summary, body), summary, body, shown: null };
      this.cards.set(name, card);
    }
    if (fresh) card.node.classList.add("fresh");
    if (card.shown !== alert) {
      // opened unasked, closed unasked: what is over makes room for what is not
      if (card.shown && isOpen(card.shown) && !isOpen(alert) && !this.touched) card.node.open = false;
      card.shown = alert;
      card.node.dataset.state = alert.state;
      card.node.dataset.fingerprint = alert.fingerprint;
      card.summary.replaceChildren(...this.head(alert));
      card.body.replaceChildren(...this.story(alert));
    }
    return card.node;
  }

  head(alert) {
    const sums = alert.state === "resolved" ? alert.peak : alert.arithmetic;
    const until = Date.parse(alert.resolved_at ?? alert.updated_at);
    return [
      element("span", { class: "name" }, seriesName(alert.series)),
      element("span", { class: "badge" }, `${alert.state} · severity ${alert.severity}`),
      element("span", { class: "gist" }, isWait(sums)
        ? `${waitKind(alert)} for ${duration(sums.observed * 1000)}`
        : isIndex(sums) ? `sentiment ${index(sums.observed)}, usually ${index(sums.expected)}`
          : `${number(sums.observed)} negative, ${number(sums.expected)} expected`),
      element("span", { class: "when" }, `${dayOf(alert.opened_at)} ${timeOf(alert.opened_at)}, ${duration(until - Date.parse(alert.opened_at))}`),
    ];
  }

  story(alert) {
    const sums = alert.state === "resolved" ? alert.peak : alert.arithmetic;
    const show = element("button", { type: "button", class: "plain" }, "Show this series");
    show.addEventListener("click", () => this.choose(seriesKey(alert.series)));
    if (isWait(sums)) {
      return [
        element("p", { class: "sentence" },
          `${waitKind(alert)} for ${duration(sums.observed * 1000)} where ${duration(sums.expected * 1000)} is usual: `
          + `the chance of so long a wait is ${probability(sums.p_value)}. `
          + `Told after ${duration(sums.expected * sums.threshold * Math.LN10 * 1000)}. ${alert.labels.reason ?? ""}`),
        show,
      ];
    }
    return [
      element("p", { class: "sentence" }, isIndex(sums)
        ? `Sentiment of ${index(sums.observed)} in ${duration(sums.window_seconds * 1000)} where ${index(sums.expected)} is usual.`
        : `${count(sums.observed)} novel negative documents in ${duration(sums.window_seconds * 1000)} where ${number(sums.expected)} `
          + `were expected (95 % interval ${number(sums.interval[0])} to ${number(sums.interval[1])})`
          + (isRarity(sums) ? `: with the hours around it as rare as once in ${number(1 / sums.per_day)} days.`
            : hasChance(sums) ? `: the chance of that many or more is ${probability(sums.p_value)}.` : ".")),
      ...(isIndex(sums) ? [] : [gauge(sums)]),
      pairs(arithmetic(alert, sums)),
      element("h3", {}, "Evidence"),
      alert.evidence.length
        ? element("ul", { class: "evidence" }, ...alert.evidence.map(piece))
        : element("p", { class: "meta" }, "No document is attached."),
      show,
    ];
  }
}

// A source that is silent: seconds waited instead of documents counted.
// A plain limit computes no chance: its statistic is what the rule compares.
function hasChance(sums) { return sums.p_value < 1; }
// A busy series: the statistic is of all windows together, by the series' own past.
function isRarity(sums) { return sums.rarity != null && sums.per_day > 0; }
function statisticName(sums) { return hasChance(sums) && !isRarity(sums) ? "Surprise, −log₁₀ p" : "Statistic"; }
// A rarity grows half as fast as a chance: what the severity is made of.
function strength(sums) { return sums.statistic * (isRarity(sums) ? 2 : 1); }
// Of a series the latest twenty voices are told apart.
function atMostTold(number) { return number >= 20 ? "20 or more" : count(number); }
function isIndex(sums) { return sums.signal === "sentiment_index"; }
function index(hundredths) { return (hundredths >= 0 ? "+" : "") + (hundredths / 100).toFixed(2); }
function isWait(sums) { return sums.signal === "source_silence"; }
function waitKind(alert) { return (alert.labels.kind ?? "silent").replace("-", " "); }

// Times without their zone: the page says once that all of them are UTC.
function arithmetic(alert, sums) {
  const stronger = alert.state !== "resolved" && strength(alert.peak) > strength(sums);
  return [
    [statisticName(sums), number(sums.statistic)],
    ["Opens above, closes below", `${number(sums.threshold)}, ${number(sums.close_threshold)}`],
    ...(isRarity(sums) ? [["Rarity", `once in ${number(1 / sums.per_day)} days`]]
      : hasChance(sums) ? [["p-value", probability(sums.p_value)]] : []),
    ["Window", `${duration(sums.window_seconds * 1000)} to ${dateOf(sums.at)}`],
    ["Negative share", `${percent(sums.share)}, usually ${percent(sums.usual_share)}`],
    ["Documents in window", count(sums.documents)],
    ["Stories, voices", `${atMostTold(sums.stories)}, ${atMostTold(sums.voices)}`],
    ["Overdispersion", number(sums.dispersion)],
    ["Detector", sums.detector],
    ["Signal", sums.signal],
    ...(stronger ? [["Strongest", `${isIndex(sums) ? index(alert.peak.observed) : number(alert.peak.observed)} at ${dateOf(alert.peak.at)}`],
      [`Strongest: ${statisticName(alert.peak)}`, number(alert.peak.statistic)]] : []),
    ["Opened", dateOf(alert.opened_at)],
    ...(alert.firing_at ? [["Firing since", dateOf(alert.firing_at)]] : []),
    ...(alert.resolved_at ? [["Resolved", dateOf(alert.resolved_at)]] : []),
    ["Rule", alert.rule],
    ["Rule version", alert.rule_version],
    ...(alert.model_version ? [["Model", alert.model_version]] : []),
    ...(alert.series.tickers.length ? [["Tickers", alert.series.tickers.join(", ")]] : []),
    ...(alert.acknowledged_by ? [["Acknowledged by", alert.acknowledged_by]] : []),
  ];
}

const pairs = (rows) => element("dl", { class: "sums" }, ...rows.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));

// Observed against expected on one scale: the band is where 95 % of such windows lie.
function gauge(sums) {
  const most = Math.max(sums.observed, sums.interval[1], 1) * 1.08;
  const x = (value) => 8 + (Math.max(0, value) / most) * 384;
  const low = x(sums.interval[0]);
  const expected = x(sums.expected);
  const observed = x(sums.observed);
  const near = Math.abs(observed - expected) < 90;
  return drawn("svg", { class: "gauge", viewBox: "0 0 400 46", role: "img",
    "aria-label": `observed ${number(sums.observed)}, expected ${number(sums.expected)}` },
    drawn("line", { class: "rail", x1: 8, x2: 392, y1: 24, y2: 24 }),
    drawn("rect", { class: "usual", x: low, y: 19, width: Math.max(2, x(sums.interval[1]) - low), height: 10, rx: 2 }),
    drawn("line", { class: "expected", x1: expected, x2: expected, y1: 16, y2: 32 }),
    drawn("circle", { class: "observed", cx: observed, cy: 24, r: 6 }),
    drawn("text", { x: Math.max(expected, 8), y: 44, "text-anchor": expected < 60 ? "start" : "middle" }, `expected ${number(sums.expected)}`),
    drawn("text", { x: observed, y: 12, "text-anchor": observed > 340 ? "end" : near && observed < 60 ? "start" : "middle" },
      `observed ${number(sums.observed)}`));
}

// The words that speak most for the text's being negative, where they stand as words.
function marked(text, words) {
  if (!words.length) return [text];
  const parts = [];
  let at = 0;
  // Chinese has no spaces: a character is a word wherever it stands
  const whole = words.map((word) => {
    const letters = word.replace(/[$()*+.?[\\\]^{|}/]/gu, "\\$&");
    return /\p{Script=Han}/u.test(word) ? letters : `(?<![\\p{L}\\p{N}])${letters}(?![\\p{L}\\p{N}])`;
  });
  for (const match of text.matchAll(new RegExp(whole.join("|"), "gu"))) {
    parts.push(text.slice(at, match.index), element("mark", {}, match[0]));
    at = match.index + match[0].length;
  }
  return [...parts, text.slice(at)];
}

function piece(evidence) {
  const told = [evidence.publisher, dateOf(evidence.at)];
  if (evidence.sentiment) told.push(`negative ${percent(evidence.sentiment.negative)}`);
  if (evidence.story_size > 1) told.push(`told ${count(evidence.story_size)} times, independent publishers: ${count(evidence.independent_publishers)}`);
  return element("li", {},
    linked(marked(evidence.title || evidence.id, evidence.words || []), evidence.url),
    element("span", { class: "meta" }, told.filter(Boolean).join(" · ")));
}
