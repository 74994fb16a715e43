import os.path
import requests
import shop
from requests import Session as Web
from shop import Basket, price as cost


def price(item):
    return item


def main():
    price(1)
    cost(1)
    shop.price(1)
    #    ^^^^^ calls shop.pricing.__init__.price by import
    total = cost(1)
    #       ^^^^ calls shop.pricing.__init__.price by import
    own = price(2)
    #     ^^^^^ calls main.price by same_file
    basket = Basket()
    #        ^^^^^^ calls shop.cart.Cart and shop.cart.Cart.__init__ by import
    basket.add(total)
    #      ^^^ calls shop.cart.Cart.add by typed
    requests.get("https://example.org")
    #        ^^^ calls outside requests.get
    Web().get("https://example.org")
    #     ^^^ calls outside requests.Session.get
    os.path.join("a", "b")
    #       ^^^^ calls outside os.path.join
    len([own])
    requests.post(len([own]))
    #             ^^^ calls outside len
    shop.nothing()
    #    ^^^^^^^ calls nothing known


if __name__ == "__main__":
    main()
