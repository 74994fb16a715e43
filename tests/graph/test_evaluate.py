"""Code that no person writes, but tools do: it must cost answers at most, never the scan."""

from __future__ import annotations

from tests.graph.conftest import Link


def chain_of_classes(length: int) -> str:
    above = "".join(f"class C{n}(C{n + 1}):\n    pass\n\n\n" for n in range(length))
    return f"class C{length}:\n    def deep(self):\n        pass\n\n\n{above}\ndef use():\n    C{length - 3}().deep()\n"


def test_a_class_below_three_thousand_others_has_members_near_it(link: Link) -> None:
    project = link({"a.py": chain_of_classes(3_000)})
    assert "use > a.C3000.deep" in project.calls("a.py")
    assert project.models() == []


def test_classes_that_inherit_from_each_other_end(link: Link) -> None:
    project = link({"a.py": "class A(B):\n    pass\n\n\nclass B(A):\n    pass\n\n\ndef use():\n    A().nothing()\n"})
    assert project.calls("a.py") == {"use > a.A"}
