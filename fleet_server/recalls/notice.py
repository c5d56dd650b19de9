"""Pure: what a buyer is told, and whether it says everything and softens nothing.

Invariant 20, after EU 2023/988 art. 36 and template 2024/1435: product, lots, where and when
sold, hazard, what to do, remedy, contact; none of the words that play the risk down. The text is
put together from the fields, so that no part can be forgotten in one language.
Split from `rules.py` by object.
"""

import json
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any

from fleet_server.notifications.rules import Words
from fleet_server.recalls.schemas import RecallContent, Scope
from protocol.rules import Notice

_WORDING: dict[str, Any] = json.loads(
    resources.files("fleet_server.recalls").joinpath("wording.json").read_text("utf-8")
)
LANGUAGES = ("zh", "en")
PARTS = ("product", "lots", "sold", "hazard", "action", "remedy", "contact")

Names = Mapping[str, Mapping[str, str]]
"""Product names by GTIN and language."""
Sold = Mapping[str, str]
"""Where and when sold, by language."""


def parts(content: RecallContent, names: Names, sold: Sold, language: str) -> dict[str, str]:
    """Parts of the notice in one language; an empty one misses."""
    remedy = _WORDING["remedies"][content.remedy][language] if content.remedy else ""
    texts = {"hazard": content.hazard, "action": content.action}
    return {
        "product": _product(content, names, language),
        "lots": _lots(content.scope, language),
        "sold": sold.get(language, ""),
        "hazard": getattr(texts["hazard"], language).strip(),
        "action": getattr(texts["action"], language).strip(),
        "remedy": remedy,
        "contact": content.contact.strip(),
    }


def missing_parts(content: RecallContent, names: Names, sold: Sold) -> list[str]:
    """Names of what misses, as `hazard.zh`; the title too, since every notice is headed by it."""
    found = [
        f"{part}.{language}"
        for language in LANGUAGES
        for part, text in parts(content, names, sold, language).items()
        if not text
    ]
    found += [f"title.{language}" for language in LANGUAGES if not getattr(content.title, language)]
    return sorted(found)


def softening_words(content: RecallContent) -> list[str]:
    """Words in the author's texts that play the risk down."""
    texts = (content.title, content.notice, content.reason, content.hazard, content.action)
    zh = "\n".join(text.zh for text in texts)
    en = "\n".join(text.en for text in texts)
    softening = _WORDING["softening"]
    found = {word for word in softening["zh"] if word in zh}
    found |= {
        word for word in softening["en"] if re.search(rf"\b{re.escape(word)}\b", en, re.IGNORECASE)
    }
    return sorted(found)


def words(content: RecallContent, names: Names, sold: Sold) -> Words:
    """Return the notice in both languages."""
    return Words(
        title_zh=_title(content, "zh"),
        title_en=_title(content, "en"),
        body_zh=_body(content, names, sold, "zh"),
        body_en=_body(content, names, sold, "en"),
    )


def correction(content: RecallContent) -> Words:
    """Return what those are told who were told of a recall that was withdrawn."""
    withdrawn = _WORDING["withdrawn"]
    return Words(
        title_zh=f"{withdrawn['zh']}：{content.title.zh}"[:200],
        title_en=f"{withdrawn['en']}: {content.title.en}"[:200],
        body_zh=withdrawn["zh"],
        body_en=withdrawn["en"],
    )


def screen(content: RecallContent) -> Notice:
    """Return what the cabinet's screen says."""
    zh, en = content.notice.zh or content.title.zh, content.notice.en or content.title.en
    return Notice(zh=zh, en=en)


def _title(content: RecallContent, language: str) -> str:
    heading = _WORDING["labels"]["heading"][language]
    return f"{heading}: {getattr(content.title, language)}"[:200]


def _body(content: RecallContent, names: Names, sold: Sold, language: str) -> str:
    labels = _WORDING["labels"]
    found = parts(content, names, sold, language)
    return "\n".join(f"{labels[part][language]}: {found[part]}" for part in PARTS)


def _product(content: RecallContent, names: Names, language: str) -> str:
    gtins = content.scope.gtins
    if not gtins:
        return str(getattr(content.title, language).strip())
    return "; ".join(f"{names.get(gtin, {}).get(language, '')} {gtin}".strip() for gtin in gtins)


def _lots(scope: Scope, language: str) -> str:
    if scope.lots is None:
        return str(_WORDING["all_lots"][language])
    spans = [f"{span.low} - {span.high}" for span in scope.lots.ranges]
    return ", ".join([*scope.lots.exact, *(f"{one}*" for one in scope.lots.prefix), *spans])
