// Building the page: elements, numbers and times. Text is only ever set as text.

const SVG = "http://www.w3.org/2000/svg";

// An element with attributes and children; a string child becomes a text node, null nothing.
export function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

export function drawn(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export const byId = (id) => document.getElementById(id);

// Documents come from strangers: only http and https become links, anything else is text.
export function linked(text, url) {
  let address = null;
  try {
    address = url ? new URL(url) : null;
  } catch {
    address = null;
  }
  if (!address || !["http:", "https:"].includes(address.protocol)) {
    return element("span", { class: "title" }, ...[text].flat());
  }
  return element("a", { class: "title", href: address.href, target: "_blank", rel: "noopener noreferrer nofollow" }, ...[text].flat());
}

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const decimal = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: "UTC" });
const seconds = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone: "UTC" });
const moment = new Intl.DateTimeFormat("en-GB", {
  day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZone: "UTC",
});

export const count = (value) => (value === null || value === undefined ? "–" : whole.format(value));
export const shortCount = (value) => (value < 10000 ? whole.format(value) : compact.format(value));
export const number = (value) => (Number.isInteger(value) && Math.abs(value) < 1e6 ? whole.format(value) : decimal.format(value));
export const percent = (value) => (value === null || value === undefined ? "–" : `${Math.round(value * 100)} %`);
export const dayOf = (at) => day.format(new Date(at));
export const timeOf = (at) => clock.format(new Date(at));
export const secondOf = (at) => seconds.format(new Date(at));
export const dateOf = (at) => moment.format(new Date(at));
export const momentOf = (at) => `${dateOf(at)} UTC`;

export function duration(milliseconds) {
  const minutes = Math.max(0, Math.round(milliseconds / 60000));
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 48 * 60) return minutes % 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${minutes / 60} h`;
  return `${Math.round(minutes / 1440)} days`;
}

// 3.2e-9 as 3.2 × 10⁻⁹: exponents of a p-value must be readable at a glance.
export function probability(value) {
  if (value >= 0.001) return decimal.format(value);
  if (value <= 0) return "less than 10⁻³⁰⁰";
  const [digits, exponent] = value.toExponential(1).split("e");
  const raised = exponent.replace(/./g, (sign) => ({ "-": "⁻", "+": "" })[sign] ?? "⁰¹²³⁴⁵⁶⁷⁸⁹"[sign]);
  return `${digits} × 10${raised}`;
}

// `subject=AAPL|topic=Earnings` as a person would say it.
export function seriesName(parts) {
  const said = [];
  if (parts.subject) said.push(parts.subject.replace(/^(ticker|name):/, ""));
  if (parts.topic) said.push(parts.topic.replaceAll("_", " "));
  if (parts.source) said.push(`source ${parts.source}`);
  if (parts.lang) said.push(`language ${parts.lang}`);
  return said.join(" · ") || "Everything";
}

const escaped = (value) => value.replaceAll("%", "%25").replaceAll("|", "%7C").replaceAll("=", "%3D");

export function seriesKey(parts) {
  const written = ["subject", "topic", "source", "lang"]
    .filter((name) => parts[name] !== null && parts[name] !== undefined)
    .map((name) => `${name}=${escaped(parts[name])}`);
  return written.join("|") || "*";
}

export function seriesParts(key) {
  const parts = {};
  if (key === "*") return parts;
  for (const part of key.split("|")) {
    const at = part.indexOf("=");
    parts[part.slice(0, at)] = part.slice(at + 1).replaceAll("%3D", "=").replaceAll("%7C", "|").replaceAll("%25", "%");
  }
  return parts;
}

export async function fetched(path, parameters = {}) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined));
  const answer = await fetch(query.size ? `${path}?${query}` : path, { signal: AbortSignal.timeout(15000) });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error ?? `status ${answer.status}`);
  return body;
}
