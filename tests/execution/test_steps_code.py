import pytest

from mlnb.execution.steps.code import comments, understand


@pytest.mark.parametrize(
    ("source", "reads"),
    [
        ("x = 1\ny = x + z", ["z"]),
        ("if a:\n    x = 1\ny = x", ["a", "x"]),
        ("if a:\n    x = 1\nelse:\n    x = 2\ny = x", ["a"]),
        ("for i in rows:\n    total += i", ["rows", "total"]),
        ("def f():\n    return g(q)\ndef g(v):\n    return v\nw = f()", ["q"]),
        ("def f():\n    return late\nw = f()\nlate = 1", ["late"]),
        ("def f():\n    return late\nlate = 1\nw = f()", []),
        ("def f(a, *b, c=d, **e):\n    x = a\n    return x, b, c, e, g", ["d"]),
        ("def f(a):\n    return a + g\nf(1)", ["g"]),
        ("@cached\ndef f():\n    return g", ["cached", "g"]),
        ("class A(B):\n    x = y\n    def m(self):\n        return z", ["B", "y", "z"]),
        ("t = [k * m for k in ks if k > n]", ["ks", "m", "n"]),
        ("t = [k for k in k]", ["k"]),
        ("f = lambda a, b=c: a + b + d", ["c", "d"]),
        ("df['a'] = other", ["other", "df"]),
        ("model.fit(X)", ["model", "X"]),
        ("try:\n    import a\nexcept ImportError as e:\n    print(e)", []),
        ("with open(p) as f:\n    t = f.read()", ["p"]),
        ("if (n := compute()) > 1:\n    print(n)", ["compute"]),
        ("match p:\n    case [x, y]:\n        z = x", ["p", "x"]),
        ("while going:\n    going = step()", ["going", "step"]),
        ("del x\ny = 1", []),
        ("print(f'{a!r:{w}}')", ["a", "w"]),
        ("await go(x)", ["go", "x"]),
        ("def f():\n    global n\n    n = m\nf()", ["m"]),
    ],
)
def test_reads_are_what_is_used_before_the_cell_assigns_it(source: str, reads: list[str]) -> None:
    assert sorted(understand(source).reads) == sorted(reads)


def test_what_is_assigned_and_what_of_it_is_only_executed_again() -> None:
    code = understand(
        "import numpy as np\nfrom a import b\na, (c, *d) = 1, (2, 3)\nfor i in d:\n    e = i\n"
        "def f(x, y=1):\n    return x\n@decorated\ndef g():\n    pass\n"
        "class K:\n    n = 1\n    def m(self):\n        pass\nclass L(K, metaclass=M):\n    pass\n"
        "def h():\n    global w\n    w = 1\n"
    )
    assert set(code.assigns) == {"np", *"bacdiefgKLhw"}
    assert set(code.makes) == set("acdiegL")
    assert len(code.replayed) == 5


def test_changes_in_place_are_seen_in_the_code() -> None:
    code = understand("df['x'] = 1\nmodel.alpha += 2\nn += 1\nmodel.fit(df)\nz = other.get()")
    assert set(code.changes) == {"df", "model", "n"}
    assert set(code.calls) == {"model"}


def test_layout_and_comments_do_not_count_but_code_does() -> None:
    one = understand("x = f(1,\n   2)  # why\n\n\ny = 'a'")
    assert one.digest == understand('x=f(1, 2)\ny = "a"').digest
    assert one.digest != understand("x=f(1, 3)\ny = 'a'").digest


def test_magics_are_code_and_other_text_is_none() -> None:
    assert understand("%matplotlib inline\nx = y").reads == ("y",)
    assert understand("this is no Python").tree is None
    assert understand("from a import *").stars


def test_files_that_are_read_by_name_are_found() -> None:
    source = (
        "pd.read_csv('a.csv')\nopen('b')\ndf.to_csv('c.csv')\nopen('d', 'w')\n"
        "Path('e').read_text()\nPath('f').write_text('')\nopen('g', mode='rb')\n"
    )
    assert sorted(understand(source).files) == ["a.csv", "b", "e", "g"]


def test_comments_are_found_in_cells_with_magics() -> None:
    assert "mlnb: checkpoint a, b" in comments("%time x = 1\n# mlnb: checkpoint a, b")
    assert comments("x = '# no'  # yes") == ["yes"]
