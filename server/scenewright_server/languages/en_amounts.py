"""Amounts as English writes them."""

from __future__ import annotations

from dataclasses import replace

from scenewright_server.languages.en_wording import SIGNS
from scenewright_server.languages.speaking import currency, digits, length_in, money_digits
from scenewright_server.scene.amounts import CLOCK, SPAN, Amount, rate_of, span_text, symbol, time_text
from scenewright_server.scene.dates import date_text
from scenewright_server.scene.matching import single


def amount_text(amount: Amount, is_measured: bool = False) -> str:
    """An amount as people write it: "€24.50", "2.5 kg", "40 cm"; a measured length is rounded."""
    if is_measured and amount.unit == "m":
        return " ".join(length_in(amount.value))
    if amount.unit == CLOCK:
        return " to ".join(time_text(its) for its in (amount.value, amount.high) if its is not None)
    if amount.unit == SPAN:
        return span_text(amount.value)
    if amount.dimension == "date":
        return date_text(amount)
    if (rate := rate_of(amount.unit)) and not amount.dimension:
        one = single(rate[1]) if len(rate[1]) > 2 and symbol(rate[1]) == rate[1] else symbol(rate[1])
        per = " per " if not rate[0] or currency(Amount(0, rate[0])) else "/"
        return f"{amount_text(replace(amount, unit=rate[0]))}{per}{one}"
    if amount.high is not None:
        top = amount_text(Amount(amount.high, amount.unit))
        low = money_digits(amount.value) if currency(amount) else digits(amount.value)
        return f"{SIGNS.get(currency(amount), '')}{low} to {top}"
    if code := currency(amount):
        value = f"{float(money_digits(abs(amount.value))):,}".removesuffix(".0")
        value = f"{value.split('.')[0]}.{money_digits(abs(amount.value)).split('.')[1]}" if "." in value else value
        minus = "-" if amount.value < 0 else ""
        return f"{minus}{SIGNS[code]}{value}" if code in SIGNS else f"{minus}{value} {code}"
    value = digits(amount.value) if abs(amount.value) < 10000 else f"{float(digits(amount.value)):,}".removesuffix(".0")
    unit = symbol(amount.unit)
    return f"{value}{'' if unit == '%' else ' '}{unit}" if unit else value
