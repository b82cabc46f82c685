"""The planted stories of the sample: three surges, and three things that only look like one.

Each surge is told in fragments that combine: many voices, few words in common, as when
something real happens. The texts use the words people use, not words picked for a lexicon.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

LENGTH = timedelta(hours=48)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """One planted story: a subject and when it happens, from the sample's start.

    `related` are subjects that the same documents hit: an alert on them is right too.
    """

    kind: str
    subject: str
    starts: timedelta
    ends: timedelta
    related: tuple[str, ...] = ()

    def window(self, ends_at: datetime) -> tuple[datetime, datetime]:
        """When it happens in a sample that ends at `ends_at`."""
        first = ends_at - LENGTH
        return first + self.starts, first + self.ends


def _planted(
    kind: str, ticker: str, starts: float, ends: float, related: tuple[str, ...] = ()
) -> Planted:
    return Planted(
        kind=kind,
        subject=f"ticker:{ticker}",
        starts=timedelta(hours=starts),
        ends=timedelta(hours=ends),
        related=tuple(f"ticker:{other}" for other in related),
    )


SHOCK = _planted("shock", "PLWRB", 27.5, 33.5)
BUILD_UP = _planted("slow build-up", "RVLPY", 28.0, 38.5)
SUPPLIER = _planted("hit through its supplier", "VNTAE", 33.0, 39.0, related=("CNDCS",))
EXPECTED = (SHOCK, BUILD_UP, SUPPLIER)
"""Each must fire on its subject between `starts` and `ends`."""

POSITIVE_DAY = _planted("loud but positive day", "CRVCH", 26.0, 38.0)
SPAM = _planted("spam burst", "SLBGM", 31.0, 35.0)
REPOSTS = _planted("re-post storm", "EWRTL", 30.0, 37.0)
DECOYS = (POSITIVE_DAY, SPAM, REPOSTS)
"""None of these may fire, on its subject, at any time."""

SHOCK_OPENINGS = (
    "{c} halts shipments of its {p} after a fatal accident in {city}",
    "Worker killed by a {c} machine in {city}, inspectors shut down the site",
    "Safety agency suspends the licence for the {p} of {c}",
    "{c} shares plunge {pct}% after the accident in {city}",
    "{c} knew of the fault in its {p}, former engineer {who} alleges",
    "Prosecutors in {city} open an investigation into {c}",
    "{b} downgrades {c} to sell after the accident",
    "Insurers drop cover for the {p} of {c}, {b} warns",
    "{c} customers in {city} switch off their machines over safety fears",
    "{c} faces lawsuits over the death in {city}",
    "{c} chief executive {who} struggles to explain the failure",
    "Union calls on members to stop work near the {p} of {c}",
    "{c} recalls every {p} sold in {city}",
    "{c} bonds slump as investors fear the cost of the recall",
)
SHOCK_REACTIONS = (
    "{who}, an analyst at {b}, called the damage to its reputation severe.",
    "A second defect was reported from {city} on {day}.",
    "The company declined to comment on the failed tests.",
    "Warehouse operators said the machine had failed before, and complaints were ignored.",
    "The loss could reach {m} million, {b} said.",
    "Trading was halted twice, and the stock closed at its lowest in {n} years.",
    "Families of the workers plan to sue.",
    "The accident is a disaster for the whole {city} plant, {who} said.",
)
SHOCK_POSTS = (
    "${t} is crashing, somebody died in {city}. Terrible.",
    "Out of ${t}. If they hid the defect this is fraud and it goes much lower",
    "How did {who} let this happen at ${t}? Awful failure of safety",
    "${t} halted again. Bad, bad day, longs getting hurt in {city}",
    "We had that {p} in our {city} hall. It failed {n} times. Glad nobody was hurt here. ${t}",
    "Lawyers are circling ${t} already, recall plus lawsuits, I see {pct}% more downside",
    "${t} suspended in {city}, rivals will take the orders. Ugly.",
    "My brother works for ${t} in {city}, says everyone is scared of layoffs now",
)

BUILD_POSTS = (
    "${t} app down again in {city}, cannot pay for lunch",
    "Charged twice by {c} and support does not answer. Terrible service",
    "Third failed payment this morning with the {c} app. Useless",
    "Anyone else locked out of their {c} account? Worst week so far",
    "My shop in {city} lost {n} sales because the {c} terminal failed",
    "{c} says it is fixed. It is not fixed. Refund still missing",
    "Waiting {n} hours for {c} support about a missing transfer, awful",
    "Error after error with {c} in {city}, we are switching to a rival",
    "If ${t} cannot keep the app running, merchants leave. Bad sign for the stock",
    "Still no wages on my {c} card, rent is due on {day}. Angry and worried",
    "The {c} outage spread to {city} now, queues at every till",
    "Short ${t}? Complaints are getting worse every hour and nobody at {c} explains the problem",
    "Our cafe in {city} refuses {c} from today, too many failed payments",
    "{who} at {c} apologised and then it crashed again. What a failure",
)
BUILD_TAILS = (
    "",
    "Second time since {day}.",
    "Same in {city}, my neighbour says.",
    "Asked {c} for my money back.",
    "Missed a bill because of it.",
    "{who} promised this was over.",
    "What a mess.",
    "Going back to cash.",
    "My landlord is not amused.",
    "The {p} is broken too.",
)
BUILD_NEWS = (
    "{c} users in {city} report failed payments, company silent",
    "Merchants in {city} complain about delays at {c}",
    "{c} outage widens to {city}, refunds delayed",
    "Consumer group warns against storing money with {c}",
    "{c} shares slip as complaints about its {p} mount",
    "Regulator asks {c} about repeated outages of its {p}",
    "{b} cuts its estimates for {c}, cites loss of merchants",
    "{c} loses a large merchant in {city} after a week of failures",
)
BUILD_DETAILS = (
    "Customers described hours of errors, {who} reported from {city}.",
    "It is the {n}th disruption this month.",
    "The company blamed a faulty update for the problem.",
    "{b} said the trouble was worse than admitted.",
    "Some were charged twice and got no answer.",
)

SUPPLIER_NEWS = (
    "Fire at {s} foundry in {city} stops castings for {c}",
    "{s} blaze: {c} warns of delays to its {p}",
    "{c} cuts output of its {p} as {s} cannot deliver",
    "{c} shares fall after {s} loses its furnace in {city}",
    "Without parts from {s}, {c} faces weeks of idle lines in {city}",
    "{s} declares force majeure, {c} suspends its delivery target",
    "{b} lowers guidance for {c} on the shortage of parts from {s}",
    "{c} has no second source for the parts {s} made, {who} warns",
    "Airline in {city} fears late aircraft after the {s} fire hits {c}",
    "{s} fire could cost {c} {m} million, {b} estimates",
    "{c} sends {city} workers home, {s} shortage worsens",
    "Insurer questions {s} over safety at {city}, {c} exposed to the loss",
)
SUPPLIER_DETAILS = (
    "Repairs will take {n} months, {who} said.",
    "The damage at the {city} site is severe, firefighters said.",
    "{b} sees a risk of penalties for late deliveries.",
    "Talks with another foundry in {city} failed last year.",
    "Investors worry about the cash drain, {who} at {b} said.",
    "The shortage will hurt margins until {day} at least.",
)
SUPPLIER_POSTS = (
    "${u} foundry burned down in {city} and ${t} has nobody else. Bad.",
    "${t} line in {city} idle because of the ${u} fire, losing money every day",
    "No castings no engines. ${t} is in trouble thanks to ${u}",
    "${t} dropping on the ${u} news, I think the delay is worse than they say",
    "Single supplier risk, there it is: ${u} fire stops ${t} in {city}. Painful",
    "Sold ${t}, the ${u} shortage will hurt for {n} months",
)

PRAISE_NEWS = (
    "{c} soars {pct}% as its {p} beats every forecast",
    "{c} wins record order from {city} for its {p}",
    "{b} raises price target on {c}, calls the {p} excellent",
    "{c} raises guidance, demand for the {p} is booming",
    "{c} partners with {city} labs, orders surge",
    "{c} profit doubles, {who} promises a buyback",
    "{b} upgrades {c} to buy after the launch in {city}",
    "{c} shares climb to a record high",
)
PRAISE_DETAILS = (
    "{who} at {b} said the lead over rivals was growing.",
    "Customers in {city} praised the speed of the {p}.",
    "The order is worth {m} million, better than expected.",
    "Margins improve again, {b} said.",
    "Production in {city} will double by {day}.",
)
PRAISE_POSTS = (
    "${t} to the moon, that {p} demo in {city} was impressive",
    "Bought more ${t}, great numbers, great {p}",
    "${t} breakout!! Strong volume, new highs, love it",
    "Bullish on ${t}, {who} delivers again",
    "${t} up {pct}% and I still think it is cheap, excellent {p}",
    "What a day for ${t} holders in {city}, congratulations everyone",
)

SPAM_TEXT = (
    "URGENT {noise} ${t} is about to collapse, insiders are dumping everything, sell before it "
    "is too late and read the leaked report here {link}"
)
REPOSTED = (
    "{c} hid unsafe food storage in its warehouses for months, lost the documents and misled "
    "inspectors, a former manager says, and lawyers expect heavy fines"
)
