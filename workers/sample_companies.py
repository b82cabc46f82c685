"""The invented companies, people and places of the bundled sample.

None of these companies exists, and no listed share has these tickers: a sample that put
bad news into a real company's mouth would be a rumour.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Company:
    """One invented company; `weight` is how much is written about it on a usual day."""

    name: str
    ticker: str
    sector: str
    products: tuple[str, ...]
    weight: float


def _company(name: str, ticker: str, sector: str, products: str, weight: float) -> Company:
    return Company(name, ticker, sector, tuple(products.split(", ")), weight)


COMPANIES = (
    _company("Aldermoor Bank", "ALDMB", "bank", "mortgage book, card unit, trading", 3.0),
    _company("Bexhall Motors", "BXHLM", "autos", "electric saloon, pickup line, van range", 4.0),
    _company("Calvane Pharma", "CLVPH", "pharma", "migraine drug, cancer therapy, vaccine", 3.0),
    _company("Corvane Chips", "CRVCH", "chips", "graphics chip, memory line, AI card", 5.0),
    _company("Dunmarrow Air", "DNMAR", "airline", "winter schedule, long-haul fleet, lounge", 3.0),
    _company("Eastwick Retail", "EWRTL", "retail", "grocery aisles, online shop, rewards", 2.5),
    _company("Fenbridge Energy", "FNBEN", "energy", "North Sea field, wind farm, refinery", 2.5),
    _company("Gildersome Mining", "GLDMN", "mining", "copper mine, gold project, smelter", 2.0),
    _company("Hartlow Software", "HTLSW", "software", "payroll suite, cloud platform, CRM", 4.0),
    _company("Ivelcourt Media", "IVLMD", "media", "streaming service, sports rights, studio", 3.0),
    _company("Jarrowdale Foods", "JRDFD", "food", "snack range, frozen meals, coffee brand", 2.0),
    _company("Kelmscroft Insurance", "KLMIN", "insurance", "motor cover, life arm, pet cover", 1.5),
    _company("Larkrise Telecom", "LRKTL", "telecom", "network, fibre roll-out, mobile plan", 2.5),
    _company("Marrowgate Steel", "MRWST", "materials", "rolling mill, green steel, furnace", 1.5),
    _company(
        "Nettlecombe Shipping", "NTCSH", "shipping", "container line, tanker fleet, port", 1.2
    ),
    _company("Oakhanger Homes", "OKHHM", "property", "housing estate, flats, land bank", 1.5),
    _company("Pellworth Robotics", "PLWRB", "industrial", "warehouse robot, welder, drone", 3.5),
    _company("Quernmore Water", "QRNWT", "utility", "treatment works, smart meter, reservoir", 0.8),
    _company("Ravelstone Pay", "RVLPY", "payments", "payment app, card reader, wallet", 4.0),
    _company("Saltburn Games", "SLBGM", "games", "racing title, console port, online arena", 2.5),
    _company("Thornacre Rail", "THNRL", "transport", "commuter line, freight cars, sleeper", 1.0),
    _company("Ullsmere Health", "ULSHL", "health", "clinic chain, insulin pump, scanner", 2.0),
    _company("Vantry Aerospace", "VNTAE", "aerospace", "regional jet, engine, satellite bus", 3.5),
    _company("Wolfscote Cloud", "WLFCL", "software", "data centre, database, backup service", 3.5),
    _company("Yarrowfield Solar", "YRFSL", "energy", "solar panel, home battery, inverter", 2.5),
    _company("Zennor Biotech", "ZNRBT", "pharma", "gene therapy, asthma drug, trial unit", 2.0),
    _company("Ambleford Capital", "AMBCP", "bank", "index fund, wealth arm, credit fund", 1.5),
    _company("Brackwater Oil", "BRKWO", "energy", "shale field, pipeline, LNG terminal", 2.2),
    _company("Cinderhill Castings", "CNDCS", "industrial", "engine castings, foundry, forge", 0.8),
    _company("Dovecote Hotels", "DVCHT", "leisure", "resort chain, booking site, spa brand", 1.2),
    _company("Elmstead Apparel", "ELMAP", "retail", "trainer line, outdoor wear, outlets", 1.8),
    _company("Foxgrove Semis", "FXGSM", "chips", "sensor chip, power module, wafer plant", 2.5),
    _company("Glenmarch Spirits", "GLMSP", "food", "single malt, gin label, bottling plant", 1.0),
    _company("Hollinside Parcels", "HLNPC", "transport", "sorting hub, van fleet, lockers", 1.5),
    _company("Inverdale Trucks", "INVTK", "autos", "electric truck, bus range, axle plant", 2.0),
    _company("Juniper Wharf Trust", "JNWTR", "property", "office tower, mall, logistics park", 0.9),
    _company("Kingsferry Exchange", "KGFXC", "exchange", "futures venue, clearing arm, index", 1.2),
    _company("Lindenhall Devices", "LNDDV", "hardware", "phone, smart watch, earbuds", 5.0),
    _company("Mossbank Chemicals", "MSBCH", "materials", "battery resin, paint, fertiliser", 1.2),
    _company("Northmere Defence", "NRMDF", "aerospace", "radar, patrol vessel, armour", 1.5),
)

BY_TICKER = {company.ticker: company for company in COMPANIES}

# Newsrooms: publisher and source.
PUBLISHERS = (
    ("Meridian Wire", "rss:meridian-wire"),
    ("Harbour Street Journal", "rss:harbour-street"),
    ("The Ledger Post", "rss:ledger-post"),
    ("Northern Business Desk", "rss:northern-business"),
    ("Tradewinds Daily", "rss:tradewinds"),
    ("Plain Numbers", "rss:plain-numbers"),
    ("Capital Courier", "rss:capital-courier"),
    ("Open Bell", "rss:open-bell"),
)

# Where people post.
NETWORKS = ("api:tickerchat", "api:openpost", "api:boardroom-forum")

FIRST_NAMES = (
    "Ada", "Bram", "Carys", "Dev", "Elin", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kei",
    "Leona", "Milo", "Nadia", "Owen", "Petra", "Quinn", "Rosa", "Sami", "Tess", "Uma", "Viktor",
    "Wren", "Yusuf", "Zola",
)  # fmt: skip
LAST_NAMES = (
    "Ashdown", "Birkett", "Cazalet", "Dunmore", "Eskdale", "Farrow", "Garside", "Hebden",
    "Ilkley", "Jessop", "Kirkbride", "Lomas", "Marwood", "Naylor", "Ormond", "Pickering",
    "Quayle", "Rothbury", "Sedgwick", "Tunstall",
)  # fmt: skip
BROKERS = (
    "Alder & Finch", "Brightwell Securities", "Castlegate Research", "Dray Partners",
    "Eversley", "Fairholt", "Greycoat Capital", "Hazelmere",
)  # fmt: skip
CITIES = (
    "Leeds", "Rotterdam", "Osaka", "Austin", "Gdansk", "Lyon", "Porto", "Toronto", "Nashville",
    "Turin", "Aarhus", "Busan", "Phoenix", "Bilbao", "Bremen", "Cardiff", "Denver", "Graz",
)  # fmt: skip
HANDLE_WORDS = (
    "tape", "yield", "candle", "alpha", "ledger", "basis", "theta", "margin", "delta", "carry",
    "float", "spread", "gamma", "pivot", "hedge", "coupon", "strike", "lot", "tick", "swap",
)  # fmt: skip
HANDLE_ENDINGS = ("watcher", "reader", "fox", "otter", "desk", "notes", "owl", "lab", "daily", "hq")
