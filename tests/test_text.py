"""Words for a reader have one minus and one percent sign; names and commands stay as they are."""

import pytest

from nbcore.text import prose, typeset


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("-0.2 [-1, .5]", "−0.2 [−1, .5]"),
        ("95 % of 20-30", "95% of 20-30"),
        ("plain16-long-50000, top-1", "plain16-long-50000, top-1"),
        ("-p low=-1", "-p low=-1"),
        ("2026-11-28", "2026-11-28"),
        ("slope -.4 in 5 %", "slope −.4 in 5%"),
    ],
)
def test_signs(given, shown):
    assert typeset(given) == shown and typeset(shown) == shown


def test_prose_is_escaped():
    assert prose("<b> -1 %") == "&lt;b&gt; −1%"
