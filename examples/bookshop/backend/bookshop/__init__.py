"""The bookshop's backend: catalogue, orders, payments and accounts."""

__version__ = "2.4.0"
