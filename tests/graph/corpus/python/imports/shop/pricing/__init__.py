from .rules import *
from .tax import compute as tax


def price(item):
    return round_up(item) + tax(item)
    #                       ^^^ calls shop.pricing.tax.compute by import
    #      ^^^^^^^^ calls shop.pricing.rules.round_up by import
