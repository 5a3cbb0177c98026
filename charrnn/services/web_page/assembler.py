"""Assemble WebAssembly from its text format.

The module is assembled when a page is exported, so that there is no binary file to trust or to keep up to date. This is
the subset of the text format that `matrix_vector.wat` uses: one imported memory, one exported function, instructions
without parentheses. Encodings: https://webassembly.github.io/spec/core/binary/.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

PLAIN = {
    "i32.lt_u": b"\x49",
    "i32.add": b"\x6a",
    "i32.shl": b"\x74",
    "f32.add": b"\x92",
    "f32x4.add": b"\xfd\xe4\x01",
    "f32x4.mul": b"\xfd\xe6\x01",
}
OF_LOCAL = {"local.get": b"\x20", "local.set": b"\x21", "local.tee": b"\x22"}
OF_CONSTANT = {"i32.const": b"\x41", "f32x4.extract_lane": b"\xfd\x1f"}
OF_MEMORY = {"f32.store": (b"\x38", 2), "v128.load": (b"\xfd\x00", 4)}
"""Instructions with an address: opcode, and binary logarithm of the alignment."""
TYPES = {"i32": b"\x7f", "v128": b"\x7b"}
FUNCTION, EMPTY_BLOCK, END = b"\x60", b"\x40", b"\x0b"


def assemble(source: str) -> bytes:
    """Return the binary module of a source in the text format.

    Raises:
        ValueError: The source contains something that this assembler does not know.
    """
    [_, [_, module, memory, _], [_, [_, export], *body]] = _parsed(source)
    declared = [part for part in body if isinstance(part, list)]  # (param $name type) or (local $name type)
    locals_ = {name: index for index, (_, name, _) in enumerate(declared)}
    parameters = [TYPES[type_] for kind, _, type_ in declared if kind == "param"]
    variables = [b"\x01" + TYPES[type_] for kind, _, type_ in declared if kind == "local"]
    words = [word for word in body if isinstance(word, str)]
    code = _vector(variables) + b"".join(_instructions(words, locals_)) + END
    sections = {
        1: [FUNCTION + _vector(parameters) + _vector([])],
        2: [_text(module) + _text(memory) + b"\x02\x00\x01"],  # a memory of at least one page
        3: [b"\x00"],
        7: [_text(export) + b"\x00\x00"],
        10: [_number(len(code)) + code],
    }
    return b"\0asm\1\0\0\0" + b"".join(
        bytes([number]) + _number(len(content)) + content
        for number, content in ((number, _vector(items)) for number, items in sections.items())
    )


def _parsed(source: str) -> Any:
    """Return the module as nested lists of words."""
    stack: list[list[Any]] = [[]]
    for word in re.findall(r'[()]|"[^"]*"|[^\s()"]+', re.sub(r";;.*", "", source)):
        if word == "(":
            stack.append([])
        elif word == ")":
            closed = stack.pop()
            stack[-1].append(closed)
        else:
            stack[-1].append(word.strip('"'))
    return stack[0][0]


def _instructions(words: list[str], locals_: dict[str, int]) -> Iterator[bytes]:
    """Yield the code of each instruction with its arguments."""
    labels: list[str] = []
    left = words[::-1]
    while left:
        yield _instruction(left.pop(), left, locals_, labels)


def _instruction(word: str, left: list[str], locals_: dict[str, int], labels: list[str]) -> bytes:
    """Return the code of an instruction, whose arguments are the last words in `left`."""
    match word:
        case "loop":
            labels.append(left.pop())
            return b"\x03" + EMPTY_BLOCK
        case "end":
            labels.pop()
            return END
        case "br_if":
            return b"\x0d" + _number(labels[::-1].index(left.pop()))
        case "v128.const":
            _, *lanes = (left.pop() for _ in range(5))
            return b"\xfd\x0c" + b"".join(int(lane).to_bytes(4, "little") for lane in lanes)
    if word in OF_LOCAL:
        return OF_LOCAL[word] + _number(locals_[left.pop()])
    if word in OF_CONSTANT:
        return OF_CONSTANT[word] + _number(_below_64(left.pop()))
    if word in OF_MEMORY:
        opcode, alignment = OF_MEMORY[word]
        has_offset = bool(left) and left[-1].startswith("offset=")
        return opcode + _number(alignment) + _number(int(left.pop().removeprefix("offset=")) if has_offset else 0)
    if word in PLAIN:
        return PLAIN[word]
    raise ValueError(f"The instruction {word!r} is not known. Add it to {__name__}.")


def _below_64(word: str) -> int:
    """Return a constant; from 64 on, its last byte would be read as a negative number."""
    if not 0 <= int(word) < 64:
        raise ValueError(f"The constant is {word}; expected 0 to 63.")
    return int(word)


def _number(value: int) -> bytes:
    """Encode a number that is not negative (LEB128)."""
    *low, last = (value >> shift & 0x7F for shift in range(0, max(value.bit_length(), 1), 7))
    return bytes([part | 0x80 for part in low] + [last])


def _vector(items: Iterable[bytes]) -> bytes:
    items = list(items)
    return _number(len(items)) + b"".join(items)


def _text(word: str) -> bytes:
    data = word.encode()
    return _number(len(data)) + data
