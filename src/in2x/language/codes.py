"""Codes of languages: which spelling stands for which language, and what a wrong one was meant to be.

Names, scripts and deprecated codes come from CLDR through babel; nothing is asked of the network.
"""

from __future__ import annotations

import difflib
import os
from functools import cache, lru_cache

from babel import Locale, UnknownLocaleError
from babel.core import get_global

from in2x.errors import UsageError
from in2x.language.pack import OWN, packs

_NONE = {"und", "mul", "zxx", "mis", "root"}
"""Codes of ISO 639 that stand for no language."""
_COUNTRIES = {"kr": "ko", "cn": "zh", "tw": "zh-Hant", "jp": "ja", "in": "hi"}
"""Country codes that people write for a language (`kr` is Kanuri in ISO 639, and nearly always Korean in a command;
`in` was Indonesian). Other countries' languages come from CLDR."""
_TRADITIONAL = {"TW", "HK", "MO"}
LONGEST = 35
"""Characters of a code (RFC 5646, 4.4.1: what a buffer for one must hold at least)."""
KEPT = 1 << 10
"""Codes that are known by heart: a server is sent any."""


@cache
def _names() -> dict[str, str]:
    """Code -> English name, of all languages that CLDR names."""
    return {code: str(name) for code, name in Locale("en").languages.items() if "_" not in code and code not in _NONE}


@cache
def _scripts() -> frozenset[str]:
    """ISO 15924 codes of the scripts that CLDR names."""
    return frozenset(Locale("en").scripts)


def script_of(code: str) -> str:
    """The script the language is usually written in, ISO 15924 ("Latn" where CLDR is silent)."""
    likely = str(get_global("likely_subtags").get(code.replace("-", "_"), ""))
    parts = likely.split("_")
    return parts[1] if len(parts) > 1 else "Latn"


def canonical(code: str) -> str:
    """The one spelling of a language's code: "ja-JP" -> "ja", "zh_TW" -> "zh-Hant", "zh-Hans" -> "zh", "jpn" -> "ja".

    A script or a country stays where it makes another language: where a pack bears that code, or where the script is
    not the usual one ("sr-Latn").

    Raises:
        UsageError: no such language.
    """
    if len(code) > LONGEST:
        raise UsageError(f"there is no language {code[:LONGEST]!r}...", mend=f"a code has up to {LONGEST} characters")
    return _canonical(code, os.environ.get(OWN, ""))


@lru_cache(maxsize=KEPT)
def _canonical(code: str, folders: str) -> str:
    parts = code.strip().replace("_", "-").split("-")
    base = parts[0].lower()
    if base not in _COUNTRIES:
        base = str(get_global("language_aliases").get(base, base)).split("_")[0]
    script = next((part.title() for part in parts[1:] if part.title() in _scripts()), "")
    country = next((part.upper() for part in parts[1:] if len(part) == 2 or (len(part) == 3 and part.isdigit())), "")
    known = packs()
    if base == "zh":
        return "zh-Hant" if script == "Hant" or (not script and country in _TRADITIONAL) else "zh"
    for longer in (f"{base}-{script}", f"{base}-{country}"):
        if longer in known:
            return longer
    if base not in known and (base not in _names() or base in _COUNTRIES):
        raise UsageError(f"there is no language {code!r}", mend=_meant(code))
    usual = script_of(base)
    if script and script != usual and script not in ("Jpan", "Kore"):
        return f"{base}-{script}"
    return base


def _meant(code: str) -> str:
    """What to write instead of an unknown code."""
    wanted = code.strip().lower()
    territory = wanted.upper()
    if wanted in _COUNTRIES:
        return f"did you mean {_COUNTRIES[wanted]!r}?"
    spoken = get_global("territory_languages").get(territory, {})
    official = [lang for lang, facts in spoken.items() if facts.get("official_status")] or list(spoken)
    if official:
        most = max(official, key=lambda lang: float(spoken[lang].get("population_percent", 0)))
        return f"did you mean {canonical(most)!r}?"
    names = {name.lower(): known for known, name in _names().items()}
    names |= {name_in(known, known).lower(): known for known in packs()}
    close = difflib.get_close_matches(wanted, names, n=1, cutoff=0.8)
    if close:
        return f"did you mean {names[close[0]]!r}?"
    return "give an ISO 639 code, for example 'en' or 'ja'"


@lru_cache(maxsize=KEPT)
def name_in(code: str, lang: str) -> str:
    """The name of the language `code`, in the language `lang` (in English where CLDR has none in it)."""
    base, _, rest = code.partition("-")
    keys = [code.replace("-", "_"), base]
    if base == "zh":
        keys.insert(0, f"zh_{rest}" if rest else "zh")
    for reader in (lang, "en"):
        try:
            languages = Locale.parse(reader.replace("-", "_")).languages
        except (UnknownLocaleError, ValueError):
            continue
        for key in keys:
            if key in languages:
                return str(languages[key])
    return code


def known_name(code: str) -> str:
    """The English name of a language code; anything else ("other", "und") as it is: for tables and pages."""
    try:
        return name_in(canonical(code), "en")
    except UsageError:
        return code


_OTHER_NAMES = {"英文": "en", "日文": "ja", "韩文": "ko", "德文": "de", "法文": "fr"}
"""Names in everyday use that CLDR does not have."""


@cache
def _by_name() -> dict[str, str]:
    readers = ("en", *packs())
    return {name_in(code, reader).lower(): code for code in packs() for reader in readers} | _OTHER_NAMES


def language_names() -> list[tuple[str, str]]:
    """(name in small letters, code) of every language with a pack, in every language with one."""
    return list(_by_name().items())


def named(name: str) -> str | None:
    """The code of the language that `name` names, in any language with a pack ("Japanese", "ドイツ語"), or None."""
    return _by_name().get(name.strip().lower())
