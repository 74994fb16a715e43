from ..cart import Cart
from . import rules


def compute(item):
    cart = Cart()
    #      ^^^^ calls shop.cart.Cart and shop.cart.Cart.__init__ by import
    cart.add(item)
    #    ^^^ calls shop.cart.Cart.add by typed
    return rules.round_up(item)
    #            ^^^^^^^^ calls shop.pricing.rules.round_up by import
