"""The words around passwords and codes, in several languages, as patterns for lower-case text."""

from __future__ import annotations

from mlx_backend.private_data.word_list import word_list

PASSWORD = (
    r"pass ?words?|passwds?|pass ?phrases?|pass ?codes?|passw(?:ort|örter|ord(?:et)?)"
    r"|kennw(?:ort|örter)"
    r"|(?<![a-z0-9])(?:pwd?|psw|pass|mdp|pw)(?![a-z0-9])"
    r"|mots? de passe|contraseñas?|(?<![a-z])clave(?![a-z])|(?<![a-z])senhas?|palavra[- ]passe"
    r"|parola d['’]ordine|wachtwoord(?:en)?|hasł[oa](?: to)?|lösenord(?:et)?"
    r"|adgangskode[nr]?|kodeord(?:et)?"
    r"|passord(?:et)?|(?:keepass|bitwarden|lastpass|dashlane) master(?: key)?"
    r"|salasana(?:ni)?(?: on)?|(?<![a-zığüşöç])(?:şifre|parola)(?:si|m)?|парол[ья]"
    r"(?: от \w{2,12})?|密码|密碼|パスワード|비밀번호"
)
"""Words for a password."""

NETWORK_KEY = (
    r"(?<![a-z])(?:(?:network|wi-?fi|wlan|wpa[23]?|wep|security|pre-?shared|router)[ -]?)?"
    r"(?:key|schlüssel|clé|clave|llave|chiave|chave|sleutel|klucz|nyckel|psk|secret)(?![a-z])"
)
"""Words for a key; they mean a password only near a word of `NETWORK`."""

NETWORK = (
    "wifi",
    "wi-fi",
    "wlan",
    "wpa",
    "ssid",
    "router",
    "network",
    "netzwerk",
    "hotspot",
    "wep",
    "vpn",
)

LOGIN = (
    r"(?<![a-z])(?:credentials|log-?ins?|sign-?ins?|accounts?|zugangsdaten"
    r"|anmeldedaten|identifiants"
    r"|credenciales|credenziali|inloggegevens)(?![a-z])"
)
"""Words that come before a user name and a password, without a word for the password."""

IS = (
    r"(?:is|was|used to be|are|lautet|heißt|ist|war|est|es|era|è|é|e'|jest|är|er|は|是|为|為"
    r"|改成|改为|는|은|это)"
)
"""Verbs between a word for a password and the password."""

STILL = (
    r"(?:now|still|just|currently|again|always|simply|jetzt|nun|noch|immer|maintenant"
    r"|toujours|ahora"
    r"|adesso|sempre|agora|nu|teraz|le|el|la|il|:)"
)
"""Words between such a verb and the password."""

CHANGED_TO = (
    r"(?:changed|set|reset|updated|switched|renamed|rotated|geändert|gesetzt|changé"
    r"|cambiado|cambiata)"
    r"(?: \w{1,12}){0,3}? (?:to|into|auf|zu|en|por|in)"
)

NO_PHRASE = frozenset(
    word_list(
        "the and for with that this from have has been must should will would can could may "
        "not was are you your our their its per please same again need needs required use "
        "used using when where which what why how than then into onto over under after before "
        "about asked stored sent kept but because only also very too all any each both either "
        "neither none some such these those und der die das ein eine nicht wird wurde ist les "
        "des une est sont los las una"
    )
)
"""Words that occur in sentences but not in passphrases."""

NO_PASSWORD = frozenset(
    word_list(
        "wrong right correct incorrect invalid valid empty blank missing required optional "
        "secret weak strong safe secure insecure unknown known new old same different needed "
        "there here gone lost set unset true false plain plaintext public private hard easy "
        "long short good bad fine okay case-sensitive sensitive temporary permanent random "
        "unique important visible clear hidden given left mine yours theirs his hers it this "
        "that what where yes no not never always below above inside outside attached enclosed "
        "underneath elsewhere annoying simple complex crap stupid terrible ridiculous obvious "
        "impossible possible first last next"
    )
)
"""Words after "the password is" that are no password."""

_DOORS = (
    r"(?:front|back|main|side|garage|cellar|office|entry|entrance|outer|inner)? ?"
    r"(?:doors?|gates?|locks?"
    r"|lockers?|padlocks?|lock ?box(?:es)?|key ?box(?:es)?|safes?|garage|alarms?|burglar alarm"
    r"|buildings?|entry|entrance|elevators?|lifts?|keypads?|sheds?|barns?|cabin|cottages?|bikes?"
    r"|bike lock|luggage|suitcases?|vaults?|house|apartment|flat|parking|pool|gym|intercom)"
)
_DOORS_ELSEWHERE = (
    r"(?:\w{0,10}t(?:ü|ue)re?|\w{0,10}tore?s?|garage|alarmanlage|schloss(?:es)?|tresors?|safe"
    r"|keller|schließfach|porte|portail|immeuble|alarme|entrée|accès|coffre|cadenas|puerta|portal"
    r"|alarma|garaje|caja fuerte|edificio|candado|porta|cancello|allarme|cassaforte|portone|portão"
    r"|voordeur|deur|poort|kluis|fietsslot|dörren|porten|larmet|döra|døra|døren|porten|drzwi|bramy"
    r"|bramki|domofonu|oven|ovi)"
)
_OF = (
    r"(?:for|to|of|at|on|in|into|für|fürs|am|im|beim|zum|zur|von|vom|an|de|du|des"
    r"|d['’]|del|della|dello|dell['’]|da|do|van|till"
    r"|til|pour|para|per|voor)"
)

CODE = (
    rf"{_DOORS}(?:['’]s)?[ -]?(?:key ?pad |access |entry )?(?:code|combination|combo)"
    rf"|(?:security|access|entry|unlock|cancel)[ -]?code"
    rf"|(?:code|combination|combo|c[óo]digo|codice|kod|koden|kode|kombination|zahlencode)"
    rf" ?{_OF} ?(?:[\w'’]{{1,12}} ){{0,3}}?(?:{_DOORS}|{_DOORS_ELSEWHERE})(?![a-z])"
    r"|(?:t(?:ü|ue)r|tor|alarm|zugangs|safe|tresor|garagen|keller|haus|schloss)-?code|digicodes?"
    r"|zahlenkombination"
    r"|deurcode|toegangscode|portkod(?:en)?|dörrkod(?:en)?|dørkode[nr]?|larmkod(?:en)?|ovikoodi"
)
"""Words for a numeric code that opens something."""

PIN = (
    r"(?<![a-z0-9_])(?:(?:sim|card|bank|phone|voicemail|atm|unlock|ec)[- ])?"
    r"(?:pin(?: ?(?:code|number|nummer|kod|kode))?|pin-(?:code|number|nummer)|pincode|puk|pinkod"
    r"|pass ?codes?|geheimzahl|código pin|code pin)(?![a-z0-9_])"
)
"""Words for a PIN."""

OTHER_CODES = frozenset(
    word_list(
        "error exit status zip post postal area country return response promo discount http source "
        "line lines fehler statut erreur product item tax voucher coupon color colour key char icd "
        "sic currency"
    )
)
"""Words before "code 4711" that make it something other than a secret."""

SIGN_IN = (
    r"(?<![a-z])(?:wi-?fi|wlan|ssid|htaccess|log-?ins?|credentials|auth|admin"
    r"(?: panel)?|anmeldung|zugang"
    r"|connexion|acceso|accesso|inloggen)(?![a-z(_-])"
)
"""Words about signing in; a conspicuous string near them is a password."""

LOCKS = (
    r"(?<![a-z])(?:(?:front|back|main|bike|house|shed|garage|office) )?(?:pad)?"
    r"(?:lock|lock ?box|key ?box"
    r"|key safe|safe|alarm|keypad|gate|door|locker|suitcase|garage|intercom|tresor|schloss)"
)
"""Things whose code may follow their name and a colon."""

PLACES = (
    r"(?<![a-z])(?:front |back |main )?(?:doors?|gates?|(?:pad)?locks?|lock ?box"
    r"|lockers?|safes?|alarms?|garage"
    r"|keypads?|mail ?box|sheds?|buildings?|entrances?|entry|bathroom|toilet|restroom"
    r"|lobby|lift|elevator|suitcase|bike"
    r"|\w{0,10}t(?:ü|ue)r|haust(?:ü|ue)re|\w{0,8}tor|alarmanlage|schloss|tresor"
    r"|schließfach|klo|keller|aufzug"
    r"|porte|portail|immeuble|alarme|entrée|coffre|cadenas|ascenseur|puerta|portal"
    r"|alarma|garaje|candado|caja"
    r"|porta|cancello|portone|allarme|cassaforte|portão|cofre|voordeur|deur|poort"
    r"|kluis|slot|dør(?:en|a)?"
    r"|dörr(?:en)?|port(?:en)?|a?larm(?:et|en)?|drzwi|bramy|domofonu|дверь|двери"
    r"|домофон\w?)(?![a-z])"
)
"""Things that a code opens."""

CODE_WORDS = (
    r"(?<![a-z])(?:codes?|combination|combo|pin|passcode|digits|c[óo]digo|codice"
    r"|clave|senha|kod(?:en)?|koden?"
    r"|kode[nr]?|kombination|zahl|code[- ]?nummer|cijfer\w*|код\w?|type|enter|press"
    r"|dial|tippe\w?|mit|avec|con)(?![a-z])"
)
"""Words that make a number near one of `PLACES` its code."""

USERS = r"(?<![\w@/.:-])(?:admin|administrator|root|guest|pi|user|benutzer|gast|ubuntu|postgres)"

SERVICES = (
    r"(?<![a-z])(?:netflix|disney\+?|spotify|amazon|prime|gmail|google|icloud|apple"
    r"(?: id)?|paypal|ebay"
    r"|facebook|instagram|linkedin|twitter|dropbox|outlook|hotmail|yahoo|steam"
    r"|playstation|xbox|nintendo"
    r"|airbnb|booking(?:\.com)?|uber|hulu|hbo|youtube|skype|zoom|slack|github|wordpress|nas|router"
    r"|wi-?fi|wlan|printer|vpn|laptop|ipad|iphone|tablet|webmail|e?mail|bank(?:ing)?)"
)
"""Services and devices after whose name people note a password without calling it one."""
