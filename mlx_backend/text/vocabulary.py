"""Words for dates, numbers and money, as parts of patterns: alternatives between bars."""

from __future__ import annotations

MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
DAYS = "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday"
NUMBERS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen"
    "|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
    "|hundred|half"
)
CURRENCIES = (
    "euros?|dollars?|pounds?|quid|francs?|crowns?|cents?|pence|yen|yuan|rupees?|roubles?"
    "|EUR|USD|GBP|CHF|JPY|SEK|NOK|DKK|PLN|INR"
)
