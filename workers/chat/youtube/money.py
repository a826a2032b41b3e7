"""What a Super Chat is about worth, so that lines can be weighed against each other.

Rounded rates of the middle of 2025: a line's weight grows with the doubling of a dollar, so
a rate that is ten percent off changes nothing. Currencies that are not listed go by the tier
YouTube gives, whose bounds are dollars; without one they count as one dollar. Taking such an
amount as dollars would let the weakest currency buy the most.
"""

from __future__ import annotations

_USD: dict[str, float] = {
    "AED": 0.27, "ARS": 0.00085, "AUD": 0.65, "BDT": 0.0082, "BGN": 0.6, "BOB": 0.145,
    "BRL": 0.18, "CAD": 0.73, "CHF": 1.25, "CLP": 0.00105, "COP": 0.00025, "CRC": 0.002,
    "CZK": 0.047, "DKK": 0.155, "DOP": 0.0165, "EGP": 0.02, "EUR": 1.16, "GBP": 1.35,
    "GTQ": 0.13, "HKD": 0.128, "HNL": 0.038, "HUF": 0.0029, "IDR": 0.000061, "ILS": 0.3,
    "INR": 0.0115, "ISK": 0.0082, "JPY": 0.0068, "KES": 0.0077, "KRW": 0.00072, "MAD": 0.11,
    "MXN": 0.053, "MYR": 0.235, "NGN": 0.00065, "NIO": 0.027, "NOK": 0.099, "NZD": 0.6,
    "PEN": 0.28, "PHP": 0.0175, "PLN": 0.27, "PYG": 0.00013, "QAR": 0.275, "RON": 0.23,
    "RSD": 0.0099, "RUB": 0.0125, "SAR": 0.267, "SEK": 0.105, "SGD": 0.78, "THB": 0.031,
    "TRY": 0.025, "TWD": 0.034, "UAH": 0.024, "USD": 1.0, "UYU": 0.025, "VND": 0.000038,
    "ZAR": 0.056,
}  # fmt: skip

_TIERS_USD = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 300.0, 400.0, 500.0)
"""Lower bounds of YouTube's tiers, the first being tier 1."""


def dollars(micros: int, currency: str, tier: int = 0) -> float:
    """About how many US dollars ``micros`` millionths of ``currency`` (ISO 4217) are."""
    if micros <= 0:
        return 0.0
    rate = _USD.get(currency.upper())
    if rate is not None:
        return round(micros / 1e6 * rate, 2)
    return _TIERS_USD[min(tier, len(_TIERS_USD)) - 1] if tier > 0 else 1.0
