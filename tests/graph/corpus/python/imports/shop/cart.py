import shop.pricing.rules
import shop.pricing.tax as levy
from shop import pricing


class Cart:
    def __init__(self):
        self.items = []

    def add(self, item):
        self.items.append(item)
        #          ^^^^^^ calls outside list.append
        pricing.price(item)
        #       ^^^^^ calls shop.pricing.__init__.price by import
        levy.compute(item)
        #    ^^^^^^^ calls shop.pricing.tax.compute by import
        shop.pricing.rules.round_up(item)
        #                  ^^^^^^^^ calls shop.pricing.rules.round_up by import
