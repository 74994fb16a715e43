class Lion:
    def roar_loudly(self):
        return 1

    def get(self):
        return 2

    def feed(self):
        return 3


class Bear:
    def feed(self):
        return 4


def use(animal):
    animal.roar_loudly()
    #      ^^^^^^^^^^^ calls zoo.Lion.roar_loudly by unique
    animal.get()
    #      ^^^ calls nothing known
    animal.feed()
    #      ^^^^ calls nothing known
    animal.walk()
    #      ^^^^ calls nothing known
    lion = Lion()
    lion.walk()
    #    ^^^^ calls nothing known
    lion.sleep_deeply()
    #    ^^^^^^^^^^^^ calls nothing known
    "text".roar_loudly()
    #      ^^^^^^^^^^^ calls outside str.roar_loudly
