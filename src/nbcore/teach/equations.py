"""The page that maps each definition of the papers to its function, and executes an example."""

import ast
import importlib
import inspect
import re
from collections.abc import Callable
from itertools import groupby
from typing import Any

import numpy as np

from nbcore.errors import NbcoreError
from nbcore.teach.definition import Definition
from nbcore.teach.definitions import DEFINITIONS

#: headings, by the first word of a definition's place
PAPERS = {
    "ER": "Effective robustness",
    "PD": "Prediction depth",
    "{cite:t}`kulynych2022`": "Privacy",
    "{cite:t}`blasiok2022`": "Calibration",
    "{cite:t}`blasiok2023smooth`": "Calibration",
    "{cite:t}`blasiok2023loss`": "Calibration",
    "{cite:t}`nakkiran2019sgd`": "What is learned first",
    "{cite:t}`vyas2022`": "What is learned first",
    "{cite:t}`bradley2024`": "Guidance",
    "{cite:t}`razin2023`": "Rewards",
    "{cite:t}`zhou2023`": "Length generalization",
    "{cite:t}`nakkiran2018`": "The generic holdout",
}


def run(definition: Definition) -> np.ndarray:
    """Execute a definition's example; return the numbers of its last line, flat.

    NbcoreError if they are not those computed by hand, so that no page shows a wrong one.
    """
    tree = ast.parse(definition.code)
    module = importlib.import_module(definition.function.rpartition(".")[0])
    names: dict[str, Any] = {"np": np} | vars(module)
    last = tree.body.pop()
    assert isinstance(last, ast.Expr), definition.name
    exec(compile(tree, definition.name, "exec"), names)
    value = eval(compile(ast.Expression(last.value), definition.name, "eval"), names)
    found = np.asarray(value, float).ravel()
    if found.shape != (len(definition.by_hand),) or not np.allclose(
        found, definition.by_hand, atol=5e-5
    ):
        raise NbcoreError(
            f"{definition.function} gives {found} where {definition.by_hand} was computed by hand."
        )
    return found


def function_of(definition: Definition) -> Callable[..., Any]:
    """Return the function that a definition names."""
    module, _, name = definition.function.rpartition(".")
    return getattr(importlib.import_module(module), name)


def equations_page() -> str:
    """Write the page (MyST), every example executed now."""
    parts = [HEAD]
    for heading, group in groupby(DEFINITIONS, key=lambda d: PAPERS[d.where.split()[0]]):
        own = list(group)
        parts.append(f"## {heading}\n\n| definition | place in the paper | function |")
        parts.append("|---|---|---|")
        parts += [f"| [{d.name}](#{_anchor(d)}) | {d.where} | `{d.function}` |" for d in own]
        parts.append("")
        parts += [_entry(d) for d in own]
    return "\n".join(parts)


def _entry(definition: Definition) -> str:
    function = function_of(definition)
    says = (inspect.getdoc(function) or "").partition("\n")[0]
    imported = f"import numpy as np\nfrom {function.__module__} import {function.__name__}"
    needs = "fit_line" in definition.code and function.__name__ != "fit_line"
    imported += ", fit_line" if needs else ""
    numbers = ", ".join(f"{v:.4g}" for v in run(definition))
    return ENTRY.format(
        anchor=_anchor(definition),
        name=definition.name,
        where=definition.where,
        formula=definition.formula,
        says=says,
        code=f"{imported}\n\n{definition.code}",
        numbers=numbers,
        signature=f"{function.__name__}{_short(inspect.signature(function))}",
        place=definition.function.rpartition(".")[0].replace(".", "/"),
    )


def _short(signature: inspect.Signature) -> str:
    """Write a signature without its types."""
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()]
    return str(inspect.Signature(bare))


def _anchor(definition: Definition) -> str:
    return "definition-" + re.sub(r"\W+", "-", definition.name.lower()).strip("-")


HEAD = """# From equation to code

Every definition of the two papers that the book begins with, and those of calibration, guidance and
the holdout set on which later chapters rest; the function that computes each here, and an example
that can be checked by hand. The examples were executed when this page was built; the build stops
where one does not give what was computed on paper. Further definitions stand in their chapters.
"""
ENTRY = """({anchor})=
### {name}

{where}

$$
{formula}
$$

`{signature}` in `{place}.py`: {says}

```python
{code}
```

gives **{numbers}**, as by hand.
"""
