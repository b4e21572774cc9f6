"""Money as whole micro-units (six decimals), and how WordPress prints it.

WooCommerce keeps line amounts unrounded where prices include tax and rounds for show, half away
from zero.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

MICRO = 1_000_000

# Codes a store offers, in the order of the recorded route list.
_CODES = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD "
    "BTC BTN BWP BYR BYN BZD CAD CDF CHF CLP CNY COP CRC CUC CUP CVE CZK DJF DKK DOP DZD "
    "EGP ERN ETB EUR FJD FKP GBP GEL GGP GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR "
    "ILS IMP INR IQD IRR IRT ISK JEP JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK "
    "LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN "
    "NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PRB PYG QAR RON RSD RUB RWF SAR SBD SCR "
    "SDG SEK SGD SHP SLL SOS SRD SSP STN SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH "
    "UGX USD UYU UZS VEF VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW "
)
CURRENCY_CODES = tuple(_CODES.split())

# code -> (decimals a merchant sets, name, symbol, symbol as HTML entity)
CURRENCIES = {
    "EUR": (2, "Euro", "€", "&euro;"),
    "USD": (2, "United States (US) dollar", "$", "&#36;"),
    "GBP": (2, "Pound sterling", "£", "&pound;"),
    "CHF": (2, "Swiss franc", "CHF", "&#67;&#72;&#70;"),
    "PLN": (2, "Polish złoty", "zł", "&#122;&#322;"),
    "JPY": (0, "Japanese yen", "¥", "&yen;"),
    "KRW": (0, "South Korean won", "₩", "&#8361;"),
    "KWD": (3, "Kuwaiti dinar", "د.ك", "&#x62f;.&#x643;"),
    "BHD": (3, "Bahraini dinar", ".د.ب", ".&#x62f;.&#x628;"),
}


def currency_facts(code: str) -> tuple[int, str, str, str]:
    return CURRENCIES.get(code, (2, code, code, code))


def read_amount(value: object) -> int:
    """Micro-units of a decimal string or number, half away from zero. Raises ValueError."""
    try:
        amount = Decimal(str(value).strip() or "0")
        return int((amount * MICRO).quantize(Decimal(1), rounding=ROUND_HALF_UP))
    except InvalidOperation as err:
        raise ValueError(f"{value!r} is no amount") from err


def rounded(amount: int, decimals: int) -> int:
    """``amount`` rounded to ``decimals`` places, half away from zero."""
    if decimals >= 6:
        return amount
    unit = 10 ** (6 - decimals)
    whole = (abs(amount) * 2 + unit) // (2 * unit) * unit
    return -whole if amount < 0 else whole


def show(amount: int, decimals: int) -> str:
    """``"62.70"``: fixed places, as the REST answers print totals."""
    extra = max(0, decimals - 6)
    amount = rounded(amount, decimals)
    sign = "-" if amount < 0 else ""
    whole, rest = divmod(abs(amount), MICRO)
    if decimals == 0:
        return f"{sign}{whole}"
    return f"{sign}{whole}.{rest:06d}"[: None if decimals >= 6 else decimals - 6] + "0" * extra


def plain(amount: int) -> str:
    """``"3.831933"``, ``"4.95"``, ``"4"``: as many places as there are, as tax parts print."""
    text = show(amount, 6).rstrip("0")
    return text[:-1] if text.endswith(".") else text


def as_number(value: float) -> float | int:
    """PHP prints a whole float without a fraction."""
    return int(value) if value == int(value) and abs(value) < 1e15 else value
