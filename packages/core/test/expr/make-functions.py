"""Writes functions.json: values of special functions to 17 digits, by mpmath. Format it with biome. Run: python make-functions.py"""

import json
import pathlib

import mpmath

mpmath.mp.dps = 40

FUNCTIONS = {
    "erf": (mpmath.erf, ["-6", "-2.5", "-1", "-0.3", "1e-9", "0.5", "1", "1.5", "3", "5.9"]),
    "erfc": (mpmath.erfc, ["-6", "-1", "-0.3", "1e-9", "0.5", "1", "1.5", "3", "8", "12.25", "26"]),
    "erfinv": (mpmath.erfinv, ["-0.999", "-0.5", "1e-12", "0.25", "0.7", "0.99", "0.99999999", "0.99999999999999988897769753748"]),
    "lgamma": (
        lambda x: mpmath.log(abs(mpmath.gamma(x))),
        ["1e-20", "0.2", "0.5", "1", "1.0001", "1.4616321449683622", "1.9999", "2", "2.5", "5", "7.5", "8", "20", "170.5", "1e10", "-0.5", "-1.5", "-3.25", "-20.75"],
    ),
    "digamma": (mpmath.digamma, ["1e-20", "0.2", "1", "1.5", "5", "9.5", "30", "1e10", "-0.5", "-1.25", "-8.75"]),
    "polygamma1": (lambda x: mpmath.polygamma(1, x), ["1e-9", "0.2", "1", "5", "30", "-0.5", "-3.25"]),
    "polygamma2": (lambda x: mpmath.polygamma(2, x), ["0.2", "1", "5", "30", "-0.5", "-3.25"]),
    "polygamma4": (lambda x: mpmath.polygamma(4, x), ["0.2", "1", "5", "30", "-0.5", "-3.25"]),
    "erfcx": (lambda x: mpmath.exp(x * x) * mpmath.erfc(x), ["-5", "-0.5", "0", "0.5", "1.5", "7.9", "8.1", "50", "1e6"]),
    "softplus": (lambda x: mpmath.log1p(mpmath.exp(x)), ["-700", "-30", "-1", "0", "1", "30", "700"]),
}


def reference(function, points):
    return [[float(x), float(function(mpmath.mpf(float(x))))] for x in points]


table = {name: reference(function, points) for name, (function, points) in FUNCTIONS.items()}
pathlib.Path(__file__).with_name("functions.json").write_text(json.dumps(table, indent=1) + "\n")
