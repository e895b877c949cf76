"""Words of one kind as alternatives of a regular expression, with bars between them.

A pattern puts them in a group: (?:...).
"""

from __future__ import annotations

MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
DAYS = "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday"
NUMBERS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen"
    "|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
    "|hundred|half"
)
QUANTITIES = (
    f"{NUMBERS}|thousand|million|dozen|quarter|twice|once|every|each|daily|weekly|monthly|yearly"
    "|free|nothing|none|no"
)
CURRENCIES = (
    "euros?|dollars?|pounds?|quid|francs?|crowns?|cents?|pence|yen|yuan|rupees?|roubles?"
    "|EUR|USD|GBP|CHF|JPY|SEK|NOK|DKK|PLN|INR"
)
SUMS_OF_MONEY = (
    "price|rent|fees?|fare|salary|wages?|budget|deposit|fine|subscription|costs?|paid|pays?"
)
COLOURS = (
    "red|green|blue|yellow|orange|purple|violet|pink|brown|black|white|gr[ea]y|beige|cream|ivory"
    "|gold(?:en)?|silver|turquoise|teal|navy|maroon|magenta|ochre|copper|pale|dark|bright|crimson"
    "|scarlet|indigo|lilac|bronze|khaki|azure|cobalt"
)
