// The page: what is chosen, what is asked when, and whether the connection stands.

import { AlertList } from "/alerts.js";
import { Chart } from "/chart.js";
import { byId, count, dateOf, element, fetched, linked, momentOf, percent, secondOf, seriesName, seriesParts, shortCount } from "/page.js";
import { Picker } from "/picker.js";

const HOUR = 3600000;
const RANGES = {
  "1h": { hours: 1, width: "1m" },
  "6h": { hours: 6, width: "5m" },
  "24h": { hours: 24, width: "5m" },
  "48h": { hours: 48, width: "1h" },
  "7d": { hours: 168, width: "1h" },
  "90d": { hours: 2160, width: "1d" },
};
const STATS_EVERY = 3000;
const SERIES_EVERY = 5000;
const DOCUMENTS_EVERY = 10000;
const TRY_AGAIN = 4000;

const chosen = { series: "*", range: "48h" };
let stats = null;
let heard = null;

const chart = new Chart();
const alerts = new AlertList(choose);
new Picker(choose);

// The choice lives in the address, so that a link shows what its sender saw.
function fromAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  chosen.series = given.get("series") || "*";
  chosen.range = given.get("range") in RANGES ? given.get("range") : "48h";
}

function choose(series) {
  chosen.series = series;
  toAddress();
}

function toAddress() {
  location.hash = new URLSearchParams(chosen).toString();
}

function shown() {
  const name = seriesName(seriesParts(chosen.series));
  byId("series-title").textContent = name;
  byId("documents-title").textContent = chosen.series === "*" ? "Latest documents" : `Latest documents: ${name}`;
  for (const button of byId("ranges").children) button.setAttribute("aria-pressed", String(button.textContent === chosen.range));
}

for (const range of Object.keys(RANGES)) {
  const button = element("button", { type: "button" }, range);
  button.addEventListener("click", () => { chosen.range = range; toAddress(); });
  byId("ranges").append(button);
}

async function askSeries() {
  const { hours, width } = RANGES[chosen.range];
  const series = chosen.series;
  // the right edge is the stream's own now: during a replay that is the past
  const to = new Date(stats?.stream_time ? Date.parse(stats.stream_time) + 1000 : Date.now());
  const from = new Date(to - hours * HOUR);
  try {
    const answer = await fetched("/api/series/points", { series, width, from: from.toISOString(), to: to.toISOString() });
    if (series !== chosen.series) return;
    chart.show(answer, spansOf(series));
    byId("learning").hidden = !answer.learning_until;
    if (answer.learning_until) byId("learning").textContent = `learning until ${momentOf(answer.learning_until)}: no rule alerts on it yet`;
  } catch (error) {
    if (!chart.shown) chart.say(`The series cannot be read: ${error.message}`, true);
    throw error;
  }
}

// When the alerts of a series were open; on the series of everything, when any alert opened.
function spansOf(series) {
  if (series === "*") return alerts.all.map((alert) => Date.parse(alert.opened_at)).map((at) => [at, at + 1]);
  return alerts.of(series).map((alert) => [Date.parse(alert.opened_at), alert.resolved_at && Date.parse(alert.resolved_at)]);
}

async function askAlerts() {
  const before = [...alerts.known.keys()];
  const [open, resolved] = await Promise.all([
    fetched("/api/alerts", { state: "open", limit: 200 }),
    fetched("/api/alerts", { state: "resolved", limit: 20 }),
  ]);
  alerts.loaded = true;
  if (!open.next) alerts.settle(before, [...open.alerts, ...resolved.alerts]);
  alerts.take([...open.alerts, ...resolved.alerts]);
}

async function askStats() {
  stats = await fetched("/api/stats");
  byId("synthetic").hidden = !stats.synthetic;
  byId("clock").textContent = stats.stream_time ? `stream at ${momentOf(stats.stream_time)}` : "no documents yet";
  const open = stats.alerts.firing + stats.alerts.pending;
  figure("open", count(open), stats.alerts.firing ? `${count(stats.alerts.firing)} firing` : "", stats.alerts.firing > 0);
  figure("documents", count(stats.documents));
  figure("classified", count(stats.classified), stats.documents ? percent(stats.classified / stats.documents) : "");
  figure("rate", count(stats.throughput.at(-2)?.documents), "documents");
  const lags = Object.entries(stats.lag ?? {}).sort((one, other) => other[1] - one[1]);
  figure("lag", lags.length ? shortCount(lags[0][1]) : "–", lags[0]?.[1] ? lags[0][0] : "");
  figure("dead", count(stats.dead_letters), "", stats.dead_letters > 0);
}

function figure(name, value, note = "", raised = false) {
  const box = byId(`figure-${name}`);
  box.classList.toggle("raised", raised);
  box.querySelector("dd").replaceChildren(value, note ? element("small", {}, note) : "");
}

async function askDocuments() {
  const { subject, topic, source, lang } = seriesParts(chosen.series);
  const sentiment = byId("only-negative").checked ? "negative" : null;
  const page = await fetched("/api/documents", { subject, topic, source, lang, sentiment, limit: 20 });
  const rows = page.documents.map((one) => element("article", { class: "document" },
    element("span", { class: `feel ${one.sentiment ?? ""}` }),
    element("div", {},
      linked(one.title || one.excerpt || one.id, one.url),
      element("p", { class: "meta" }, [
        one.publisher || one.source,
        dateOf(one.published_at),
        one.sentiment ? `${one.sentiment} ${percent(one[one.sentiment])}` : one.reason || "no sentiment",
        one.topic?.replaceAll("_", " "),
        one.subjects.slice(0, 6).map((subject) => subject.id).join(", "),
      ].filter(Boolean).join(" · ")))));
  byId("documents").replaceChildren(...(rows.length ? rows : [element("p", { class: "state" },
    page.next ? "None among the latest documents; older ones were not looked at." : "No documents yet.")]));
}

// Ask again and again, never twice at once, not while nobody looks. The function returned
// asks now; while an answer is still on its way, once more behind it.
function repeatedly(ask, every) {
  let running = null;
  let again = false;
  const run = async () => {
    do {
      again = false;
      await ask().then(reached, missed);
    } while (again);
    running = null;
  };
  const now = () => {
    if (running) again = true;
    else running = run();
    return running;
  };
  setInterval(() => { if (!document.hidden && !running) now(); }, every);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) now(); });
  return now;
}

function reached() {
  heard = Date.now();
  if (byId("live").dataset.state !== "live") state("live", "live");
}

function missed(error) {
  console.warn(error);
  state("lost", "connection lost");
}

function state(name, text) {
  byId("live").dataset.state = name;
  byId("live-text").textContent = text;
  const lost = byId("lost");
  lost.hidden = name !== "lost";
  if (name === "lost") {
    lost.textContent = heard
      ? `Connection lost. What is shown was last heard at ${secondOf(heard)} UTC; trying again.`
      : "The server does not answer; trying again.";
  }
}

function follow() {
  const events = new EventSource("/api/events");
  events.addEventListener("alert", (event) => {
    for (const alert of alerts.take([JSON.parse(event.data)], true)) {
      byId("spoken").textContent = `New alert: ${seriesName(alert.series)}, severity ${alert.severity}`;
    }
    refresh.stats();
    refresh.series();
  });
  // whatever happened while the stream was away is in the list
  events.addEventListener("open", () => refresh.alerts());
  events.addEventListener("error", () => {
    missed(new Error("the event stream ended"));
    // a refusal ends the stream for good; a broken connection the browser mends by itself
    if (events.readyState === EventSource.CLOSED) setTimeout(follow, TRY_AGAIN);
  });
}

const refresh = {
  stats: repeatedly(askStats, STATS_EVERY),
  series: repeatedly(askSeries, SERIES_EVERY),
  documents: repeatedly(askDocuments, DOCUMENTS_EVERY),
  alerts: repeatedly(askAlerts, 30000),
};

byId("only-negative").addEventListener("change", refresh.documents);
addEventListener("hashchange", () => {
  fromAddress();
  shown();
  chart.say("Loading …");
  refresh.series();
  refresh.documents();
});

fromAddress();
shown();
chart.say("Loading …");
await refresh.stats();
follow();
await Promise.all([refresh.series(), refresh.documents(), refresh.alerts()]);
