"""Arithmetic."""

import ast
import math
import operator

from mcp.server.fastmcp import FastMCP

mcp = FastMCP("calculator")

OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.Mod: operator.mod,
}


@mcp.tool()
def add(a: int, b: int) -> int:
    """Add two numbers"""
    return a + b


@mcp.tool()
def divide(a: float, b: float) -> float:
    """Divide a by b"""
    if b == 0:
        raise ValueError("division by zero")
    return a / b


@mcp.tool()
def statistics_of(values: list[float]) -> dict[str, float]:
    """Mean and standard deviation of some values"""
    mean = sum(values) / len(values)
    return {"mean": mean, "deviation": math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))}


@mcp.tool(name="evaluate", title="Evaluate an expression")
def evaluate_expression(expression: str) -> str:
    """Evaluate an arithmetic expression, such as 2 * (3 + 4)"""

    def value(node: ast.AST) -> float:
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
            return node.value
        if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            return OPERATORS[type(node.op)](value(node.left), value(node.right))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -value(node.operand)
        raise ValueError("only numbers and + - * / % ** are known")

    return f"{expression} = {value(ast.parse(expression, mode='eval').body)}"


@mcp.tool()
def is_prime(n: int) -> bool:
    """Whether a number is prime"""
    return n > 1 and all(n % divisor for divisor in range(2, math.isqrt(n) + 1))


if __name__ == "__main__":
    mcp.run()
