// The field that finds a series: type, arrow keys, Enter. The usual combobox pattern.

import { byId, count, element, fetched, seriesName } from "/page.js";

export class Picker {
  constructor(choose) {
    this.choose = choose;
    this.field = byId("pick");
    this.list = byId("pick-list");
    this.found = [];
    this.at = -1;
    this.asked = 0;
    this.field.addEventListener("focus", () => this.search());
    this.field.addEventListener("input", () => this.search());
    this.field.addEventListener("keydown", (event) => this.key(event));
    this.field.addEventListener("blur", () => this.close());
  }

  async search() {
    const turn = ++this.asked;
    const search = this.field.value.trim() || null;
    let note = null;
    try {
      const answer = await fetched("/api/series", { search, limit: 60 });
      // an answer that was overtaken by a later question is dropped
      if (turn !== this.asked || document.activeElement !== this.field) return;
      this.found = answer.series;
      if (!answer.series.length) note = search ? "No series has that in its name." : "No series yet.";
      else if (answer.matching > answer.series.length) note = `and ${count(answer.matching - answer.series.length)} more; type to narrow`;
    } catch (error) {
      this.found = [];
      note = `The series cannot be listed: ${error.message}`;
    }
    this.at = -1;
    this.draw(note);
  }

  draw(note) {
    const options = this.found.map((series, place) => {
      const option = element("li", { role: "option", id: `pick-${place}`, "aria-selected": "false" },
        element("span", { title: series.series }, seriesName(series)),
        element("span", { class: "count" }, count(series.documents)));
      // before the field loses its focus and closes the list
      option.addEventListener("pointerdown", (event) => { event.preventDefault(); this.take(place); });
      return option;
    });
    if (note) options.push(element("li", { class: "state", role: "presentation" }, note));
    this.list.replaceChildren(...options);
    this.list.hidden = false;
    this.field.setAttribute("aria-expanded", "true");
    this.field.removeAttribute("aria-activedescendant");
  }

  key(event) {
    if (event.key === "Escape") this.close();
    if (event.key === "Enter" && this.found.length && !this.list.hidden) this.take(Math.max(0, this.at));
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !this.found.length) return;
    event.preventDefault();
    this.at = (this.at + step + this.found.length + (this.at < 0 && step < 0 ? 1 : 0)) % this.found.length;
    [...this.list.querySelectorAll("[role=option]")].forEach((option, place) => {
      option.setAttribute("aria-selected", String(place === this.at));
      if (place === this.at) option.scrollIntoView({ block: "nearest" });
    });
    this.field.setAttribute("aria-activedescendant", `pick-${this.at}`);
  }

  take(place) {
    const series = this.found[place];
    this.field.value = "";
    this.close();
    this.choose(series.series);
  }

  close() {
    this.asked += 1;
    this.list.hidden = true;
    this.field.setAttribute("aria-expanded", "false");
    this.field.removeAttribute("aria-activedescendant");
  }
}
