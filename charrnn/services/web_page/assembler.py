"""Assemble WebAssembly from its text format.

The module is assembled when a page is exported, so that no binary file has to be trusted or kept in step with its source.
This is the subset of the text format that `matrix_vector.wat` uses: one imported memory, one exported function,
instructions without parentheses. Encodings: https://webassembly.github.io/spec/core/binary/.
"""

import re
from collections.abc import Iterable, Iterator

PLAIN = {
    "end": b"\x0b",
    "i32.lt_u": b"\x49",
    "i32.add": b"\x6a",
    "i32.shl": b"\x74",
    "f32.add": b"\x92",
    "f32x4.add": b"\xfd\xe4\x01",
    "f32x4.mul": b"\xfd\xe6\x01",
}
OF_LOCAL = {"local.get": b"\x20", "local.set": b"\x21", "local.tee": b"\x22"}
OF_MEMORY = {"f32.store": (b"\x38", 2), "v128.load": (b"\xfd\x00", 4)}
"""Instructions with an address: opcode, and binary logarithm of the alignment."""
TYPES = {"i32": b"\x7f", "v128": b"\x7b"}
FUNCTION, EMPTY_BLOCK = b"\x60", b"\x40"

type Node = str | list["Node"]


def assemble(source: str) -> bytes:
    """Return the binary module of a source in the text format.

    Raises:
        ValueError: The source contains something that this assembler does not know.
    """
    [_, [_, module, name, _], [_, [_, export], *body]] = _parsed(source)
    parts = [_declared(part) for part in body if isinstance(part, list)]
    locals_ = {name: index for index, (_, name, _) in enumerate(parts)}
    parameters = [TYPES[type_] for kind, _, type_ in parts if kind == "param"]
    variables = [b"\x01" + TYPES[type_] for kind, _, type_ in parts if kind == "local"]
    code = _vector(variables) + b"".join(_instructions([t for t in body if isinstance(t, str)], locals_)) + PLAIN["end"]
    sections = {
        1: [FUNCTION + _vector(parameters) + _vector([])],
        2: [_text(module) + _text(name) + b"\x02\x00\x01"],  # a memory of at least one page
        3: [b"\x00"],
        7: [_text(export) + b"\x00\x00"],
        10: [_number(len(code)) + code],
    }
    return b"\0asm\1\0\0\0" + b"".join(
        bytes([number]) + _number(len(content)) + content
        for number, content in ((number, _vector(items)) for number, items in sections.items())
    )


def _parsed(source: str) -> list[Node]:
    """Return the module as nested lists of words."""
    stack: list[list[Node]] = [[]]
    for word in re.findall(r'[()]|"[^"]*"|[^\s()"]+', re.sub(r";;.*", "", source)):
        if word == "(":
            stack.append([])
        elif word == ")":
            closed = stack.pop()
            stack[-1].append(closed)
        else:
            stack[-1].append(word.strip('"'))
    [module] = stack[0]
    if not isinstance(module, list):
        raise ValueError(f"The source is {module!r}; expected (module …).")
    return module


def _declared(part: list[Node]) -> tuple[str, str, str]:
    """Return a parameter or local variable as kind, name and type."""
    kind, name, type_ = (word if isinstance(word, str) else "" for word in part)
    return kind, name, type_


def _instructions(words: list[str], locals_: dict[str, int]) -> Iterator[bytes]:
    """Yield the code of each instruction with its arguments."""
    labels: list[str] = []
    words = words[::-1]
    while words:
        word = words.pop()
        if word == "end":
            labels.pop()
        if word in PLAIN:
            yield PLAIN[word]
        elif word in OF_LOCAL:
            yield OF_LOCAL[word] + _number(locals_[words.pop()])
        elif word in OF_MEMORY:
            opcode, alignment = OF_MEMORY[word]
            offset = int(words.pop().removeprefix("offset=")) if words and words[-1].startswith("offset=") else 0
            yield opcode + _number(alignment) + _number(offset)
        elif word == "i32.const":
            yield b"\x41" + _number(_below_64(words.pop()))
        elif word == "v128.const":
            _, *lanes = (words.pop() for _ in range(5))
            yield b"\xfd\x0c" + b"".join(int(lane).to_bytes(4, "little") for lane in lanes)
        elif word == "f32x4.extract_lane":
            yield b"\xfd\x1f" + _number(int(words.pop()))
        elif word == "loop":
            labels.append(words.pop())
            yield b"\x03" + EMPTY_BLOCK
        elif word == "br_if":
            yield b"\x0d" + _number(labels[::-1].index(words.pop()))
        else:
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


def _text(word: object) -> bytes:
    data = str(word).encode()
    return _number(len(data)) + data
