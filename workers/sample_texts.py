"""What the invented newsrooms and posters of the sample write on an ordinary day.

Headlines by topic and mood (negative, neutral, positive), with slots in braces:
`c` company, `t` ticker, `p` product, `q` quarter, `b` broker, `who` a person, `city`,
`day`, `pct`, `m` millions, `n` a small number.
"""

MOODS = ("negative", "neutral", "positive")

# topic -> (negative, neutral, positive)
Moods = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]

COMPANY_NEWS: dict[str, Moods] = {
    "Analyst Update": (
        (
            "{b} downgrades {c} to hold, citing slowing demand for its {p}",
            "{b} cuts price target on {c} after a weak update on the {p}",
            "{c} lowered to underperform at {b} on margin worries",
        ),
        (
            "{b} starts coverage of {c} with a neutral rating",
            "{b} keeps its hold rating on {c} ahead of the {q} quarter",
            "What the analysts at {b} want to hear from {c} about the {p}",
        ),
        (
            "{b} upgrades {c} to buy, sees room for the {p} to grow",
            "{b} raises price target on {c} after strong orders for the {p}",
            "{c} named a top pick at {b}",
        ),
    ),
    "Company | Product News": (
        (
            "{c} recalls part of its {p} after faults are found in {city}",
            "{c} delays the {p} again as problems in {city} persist",
            "{c} to cut jobs at its {city} site, union warns of a strike",
            "{c} apologises for an outage that hit users of its {p}",
        ),
        (
            "{c} introduces a new version of its {p} in {city}",
            "{c} opens a {city} office for its {p} team",
            "{c} partners with {city} college on training for its {p}",
            "{c} selects a supplier in {city} for the {p}",
            "{c} shows its {p} at the {city} trade fair",
        ),
        (
            "{c} wins a {m} million contract for its {p} in {city}",
            "{c} expands its {p} in {city} after strong demand",
            "{c} wins award for its {p}, customers praise the service",
        ),
    ),
    "Treasuries | Corporate Debt": (
        (
            "{c} bonds fall as lenders worry about its debt",
            "Rating agency cuts {c} to junk, bonds drop",
        ),
        (
            "{c} prices {m} million of senior notes due in {n} years",
            "{c} extends its credit facility with a group of banks",
        ),
        ("{c} debt rating lifted, bonds rise on improved cash flow",),
    ),
    "Dividend": (
        ("{c} suspends its dividend to protect cash, investors disappointed",),
        (
            "{c} declares quarterly dividend, record date is {day}",
            "{c} goes ex-dividend on {day}",
        ),
        (
            "{c} raises dividend for the {n}th year on strong cash flow",
            "{c} increases its quarterly dividend and adds a buyback",
        ),
    ),
    "Earnings": (
        (
            "{c} earnings miss estimates as costs for the {p} climb",
            "{c} {q} quarter results disappoint, sales of the {p} fell",
        ),
        (
            "{c} to report {q} quarter results on {day}",
            "{c} earnings call transcript, {q} quarter",
            "{c} schedules its {q} quarter conference call for {day}",
        ),
        (
            "{c} earnings beat expectations on record sales of its {p}",
            "{c} {q} quarter results top estimates, the {p} did better than expected",
        ),
    ),
    "Financials": (
        (
            "{c} posts a wider net loss, revenue misses by {m} million",
            "{c} lowers guidance for the year, blames weak sales of the {p}",
        ),
        (
            "{c} reaffirms full-year guidance, revenue in line with consensus",
            "{c} reports revenue of {m} million for the {q} quarter",
        ),
        (
            "{c} raises guidance after net profit grows {pct}%",
            "{c} revenue beats by {m} million, margins improve",
        ),
    ),
    "Legal | Regulation": (
        (
            "{c} sued in {city} over faulty parts in its {p}",
            "Regulator fines {c} {m} million over misleading claims about its {p}",
            "{c} faces a probe into accounting at its {city} unit",
        ),
        (
            "{c} asks the court in {city} for more time in a patent case",
            "Court in {city} sets a date for the hearing about the {p} of {c}",
        ),
        (
            "{c} wins its patent case in {city}",
            "Regulators approve the {p} of {c}, clearing the way for a launch",
        ),
    ),
    "M&A | Investments": (
        ("{c} loses its bid for a {city} rival, deal talks collapse",),
        (
            "{c} to acquire a small {city} firm that makes parts for its {p}",
            "{c} sells a minority stake in its {city} unit",
            "{c} completes acquisition of a {city} software firm",
        ),
        ("{c} merger approved, investors cheer savings at the {p}",),
    ),
    "Personnel Change": (
        (
            "{c} finance chief {who} resigns abruptly amid questions over the {p}",
            "{c} chair {who} quits after a dispute with the board",
        ),
        (
            "{c} appoints {who} as chief financial officer",
            "{c} names {who} to its board of directors",
            "{who} joins {c} as vice president for the {p}",
        ),
        ("{c} promotes {who} to chief executive, a welcome choice for investors",),
    ),
    "IPO": (
        ("{c} scraps the IPO of its {p} unit on weak demand",),
        ("{c} files for an IPO of its {p} unit", "{c} picks banks for a listing in {city}"),
        ("{c} unit jumps {pct}% in its market debut, IPO priced at the top",),
    ),
    "Stock Movement": (
        (
            "{c} shares fall {pct}% after an update on the {p}",
            "{c} stock slides as traders sell {t} before the {q} quarter",
        ),
        ("{c} shares little changed in pre-market trade", "{c} shares halted for an announcement"),
        (
            "{c} shares rise {pct}% on hopes for its {p}",
            "{c} stock jumps as buyers return to {t}",
        ),
    ),
}

# Posts speak of `{t}` with a cashtag.
POSTS: Moods = (
    (
        "${t} looks weak here, lower highs all week, not touching it",
        "Sold my ${t} at a loss today, the {p} story is a disappointment",
        "${t} support breaks on heavy volume, that chart is ugly",
        "Worried about ${t} before {day}, costs of the {p} keep rising and demand is soft",
    ),
    (
        "Watching ${t} into {day}, volume about average",
        "Anyone here holding ${t} for the {p}? What is your entry?",
        "${t} chart: consolidation between the two moving averages",
        "New to ${t}. Where do I find numbers on the {p}?",
        "My notes from {city} on the {p} of ${t}, thread",
    ),
    (
        "${t} breakout on strong volume, nice setup",
        "Added to my ${t} position, the {p} is excellent",
        "Bullish on ${t}, best {p} in the business",
        "${t} holding up great today, buyers on every dip",
    ),
)

# What a poster adds, or not.
TAILS: Moods = (
    (
        "",
        "Anyone in {city} seeing the same?",
        "I sold half on {day}.",
        "Not a good quarter for the {p}.",
        "Even {b} looks worried.",
        "Careful out there.",
        "{who} should explain this to shareholders.",
        "Rivals in {city} do it better.",
    ),
    (
        "",
        "Any thoughts?",
        "More on {day}.",
        "Not advice.",
        "The note from {b} is out too.",
        "Reading the {p} numbers again tonight.",
        "Flying to {city} on {day}.",
        "{who} speaks later.",
    ),
    (
        "",
        "Holding into {day}.",
        "Target from {b} looks low to me.",
        "The team in {city} delivers.",
        "Credit to {who}.",
        "Love the {p}.",
        "Patience pays.",
        "Best chart on my screen.",
    ),
)

# A second sentence for a story, by mood, so that two newsrooms never write the same words.
LEADS: Moods = (
    (
        "{who}, who follows the sector at {b}, called it a setback.",
        "The news in {city} adds to concerns about the {p}.",
        "Suppliers in {city} said orders had been weak for weeks.",
        "People close to the company were disappointed, {who} said.",
    ),
    (
        "{who} spoke to reporters in {city} on {day}.",
        "The company gave no further details about the {p}.",
        "A spokesman in {city} confirmed the date.",
        "{b} will publish a note on {day}, according to {who}.",
        "The meeting in {city} took {n} hours.",
    ),
    (
        "{who} at {b} said the numbers were better than feared.",
        "Customers in {city} welcomed the step.",
        "It is good news for the {p}, {who} said in {city}.",
        "{b} expects strong demand until {day}.",
    ),
)

CHINESE: Moods = (
    ("{c}（{t}）{p}业务承压，股价下跌{pct}%", "{c}因{p}问题遭监管问询，投资者担忧"),
    ("{c}将于下周公布季度业绩", "{c}召开{p}发布会"),
    ("{c}（{t}）{p}订单大增，业绩超预期", "{c}签约{city}项目，机构看好"),
)

# Nobody here reads French: these show what happens to a language without a model.
FRENCH = ("{c} présente son nouveau produit à {city}", "{c} annonce une réunion à {city}")
