"""The functions that have a meaning in a window only: their names, arguments and types."""

from __future__ import annotations

from sqlbulk.functions.registry import Parameter, WindowFunction
from sqlbulk.types import Type

_VALUE = Parameter("value")
_SHIFTED = (
    _VALUE, Parameter("offset", Type.INTEGER, optional=True), Parameter("default", optional=True),
)

ENTRIES: tuple[WindowFunction, ...] = (
    WindowFunction(
        name="ROW_NUMBER", help="The row's number in its partition, from 1.",
        example="ROW_NUMBER() OVER (ORDER BY x)",
    ),
    WindowFunction(
        name="RANK", help="The number of rows before, plus 1: with gaps after equals.",
        example="RANK() OVER (ORDER BY x)",
    ),
    WindowFunction(
        name="DENSE_RANK", help="The rank without gaps.",
        example="DENSE_RANK() OVER (ORDER BY x)",
    ),
    WindowFunction(
        name="PERCENT_RANK", help="(rank - 1) / (rows - 1), 0 for a single row.", returns=Type.DOUBLE,
        example="PERCENT_RANK() OVER (ORDER BY x)",
    ),
    WindowFunction(
        name="CUME_DIST", help="The part of the rows that come before or are equal.", returns=Type.DOUBLE,
        example="CUME_DIST() OVER (ORDER BY x)",
    ),
    WindowFunction(
        name="NTILE", help="Which of n parts, as equal as can be, the row falls into.",
        example="NTILE(4) OVER (ORDER BY x)",
        parameters=(Parameter("parts", Type.INTEGER, constant=True),),
    ),
    WindowFunction(
        name="LAG", help="The value of a row before.",
        example="LAG(x) OVER (ORDER BY x)", parameters=_SHIFTED, returns=None,
    ),
    WindowFunction(
        name="LEAD", help="The value of a row after.",
        example="LEAD(x) OVER (ORDER BY x)", parameters=_SHIFTED, returns=None,
    ),
    WindowFunction(
        name="FIRST_VALUE", help="The value of the frame's first row.", example="FIRST_VALUE(x) OVER (ORDER BY x)",
        parameters=(_VALUE,), returns=None,
    ),
    WindowFunction(
        name="LAST_VALUE", help="The value of the frame's last row.", example="LAST_VALUE(x) OVER (ORDER BY x)",
        parameters=(_VALUE,), returns=None,
    ),
    WindowFunction(
        name="NTH_VALUE", help="The value of the frame's n-th row.", example="NTH_VALUE(x, 2) OVER (ORDER BY x)",
        parameters=(_VALUE, Parameter("n", Type.INTEGER)), returns=None,
    ),
)
