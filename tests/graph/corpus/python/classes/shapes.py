class Root:
    def describe(self):
        return self.name()
        #           ^^^^ calls shapes.Root.name by self

    def name(self):
        return "root"

    def close(self):
        pass


class Left(Root):
    def describe(self):
        return super().describe()
        #              ^^^^^^^^ calls shapes.Root.describe by super

    def name(self):
        return "left"


class Right(Root):
    def name(self):
        return "right"

    def close(self):
        super().close()
        #       ^^^^^ calls shapes.Root.close by super


class Both(Left, Right):
    def run(self):
        self.name()
        #    ^^^^ calls shapes.Left.name by self
        self.close()
        #    ^^^^^ calls shapes.Right.close by self
        self.missing()
        #    ^^^^^^^ calls nothing known

    @classmethod
    def make(cls):
        cls.check()
        #   ^^^^^ calls shapes.Both.check
        return cls()
        #      ^^^ calls shapes.Both

    @staticmethod
    def check():
        return Both.make()
        #           ^^^^ calls shapes.Both.make by static

    def __call__(self):
        return self.run()
        #           ^^^ calls shapes.Both.run by self


def use():
    both = Both()
    #      ^^^^ calls shapes.Both by same_file
    both.run()
    #    ^^^ calls shapes.Both.run by typed
    both()
    Both.make().run()
    #           ^^^ calls shapes.Both.run by typed
    #    ^^^^ calls shapes.Both.make by static
    Left().describe()
    #      ^^^^^^^^ calls shapes.Left.describe by typed


class Door:
    def __enter__(self):
        return self

    def __exit__(self, *reason):
        pass

    async def __aenter__(self):
        return self

    async def __aexit__(self, *reason):
        pass


def through(door: Door):
    with door:
        #    ^ calls shapes.Door.__enter__ and shapes.Door.__exit__ by protocol
        pass
    with Door() as opened, open("file"):
        #                ^ calls shapes.Door.__enter__ and shapes.Door.__exit__ by protocol
        pass


async def slowly():
    async with Door() as opened:
        #                      ^ calls shapes.Door.__aenter__ and shapes.Door.__aexit__ by protocol
        pass
