"""What the invented newsrooms write about the world: headlines by topic and mood.

Slots as in `workers.sample_texts`.
"""

from workers.sample_texts import Moods

GENERAL: dict[str, Moods] = {
    "Fed | Central Banks": (
        ("Central bank warns that high interest rates hurt households in {city}",),
        (
            "Central bank leaves interest rates unchanged, next decision in {n} weeks",
            "Fed officials discuss the pace of rate cuts at a meeting in {city}",
            "ECB policymaker {who} speaks on monetary policy in {city}",
        ),
        ("Central bank more optimistic on growth, {who} says inflation eases",),
    ),
    "Energy | Oil": (
        ("Oil prices fall {pct}% as crude stockpiles build",),
        (
            "Crude oil steady near {m} a barrel before the OPEC meeting",
            "Natural gas storage at {pct}% of capacity, operator in {city} reports",
        ),
        ("Oil gains {pct}% on strong demand for gasoline",),
    ),
    "Currencies": (
        ("Euro weakens against the dollar, falls for a {n}th day",),
        (
            "Dollar little changed against the yen in {city} trade",
            "Yuan fixing: central parity rate set for {day}",
        ),
        ("Sterling climbs against the dollar on upbeat data",),
    ),
    "Gold | Metals | Materials": (
        ("Gold slips {pct}% as the haven bid fades",),
        ("Copper and gold flat in {city}, iron ore shipments as planned",),
        ("Gold gains {pct}% to a record high, silver follows",),
    ),
    "Macro": (
        (
            "Retail sales in {city} drop as consumers cut spending",
            "Unemployment rises, economists fear a recession in the region",
        ),
        (
            "Consumer prices up {pct}% from a year earlier, in line with forecasts",
            "Housing starts near {city} unchanged in the latest survey",
            "GDP figures are due on {day}, economists see {pct}%",
        ),
        (
            "Economic growth beats expectations as exports rebound",
            "Jobless claims fall to the lowest in {n} years",
        ),
    ),
    "Markets": (
        ("Wall Street closes lower, Dow down {m} points as tech stocks slide",),
        (
            "Stock futures mixed before the open in {city}",
            "Asian markets quiet on a holiday in {city}",
        ),
        (
            "Wall Street gains as earnings season starts well",
            "European stocks rise, the index adds {pct}%",
        ),
    ),
    "Politics": (
        ("Lawmakers fail to agree on the budget, minister {who} warns of a crisis",),
        (
            "Prime minister visits {city}, election set for {day}",
            "Senate committee holds a hearing on taxes with {who}",
            "President to give a speech in {city} on {day}",
        ),
        ("Parliament approves the trade deal, exporters in {city} welcome it",),
    ),
    "General News | Opinion": (
        ("Opinion: why workers in {city} are worried about the winter",),
        (
            "Here's what you need to know about life in {city} this week",
            "Read the story of the people who run the night trains of {city}",
            "Opinion: what {city} can learn from its museum about technology",
        ),
        ("Opinion: the great comeback of {city}, via {who}",),
    ),
}
