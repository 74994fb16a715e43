__all__ = ["round_up"]


def round_up(value):
    return _hidden(value)
    #      ^^^^^^^ calls shop.pricing.rules._hidden by same_file


def _hidden(value):
    return value
