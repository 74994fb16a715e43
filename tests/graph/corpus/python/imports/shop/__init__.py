from .pricing import price
from .cart import Cart as Basket
