"""The assembler of the page's WebAssembly module."""

import pytest

from charrnn.services.web_page.assembler import assemble
from tests.support.web_page_reference import Create, Open

SOURCE = '(module (import "page" "memory" (memory 1)) (func (export "f") (param $a i32) (local $b v128) {}))'


def test_a_module_has_the_bytes_of_the_specification() -> None:
    body = "local.get $a ;; a comment\n i32.const 16 i32.add f32.store offset=200"
    assert assemble(SOURCE.format(body)) == bytes.fromhex(
        "0061736d 01000000"
        "01 05 01 60 01 7f 00"  # one type: (i32) -> ()
        "02 10 01 04 70616765 06 6d656d6f7279 02 00 01"  # import page.memory, at least one page
        "03 02 01 00"
        "07 05 01 01 66 00 00"  # export f
        "0a 0f 01 0d 01 01 7b 20 00 41 10 6a 38 02 c8 01 0b"  # one variable of type v128; the instructions
    )


@pytest.mark.parametrize("body", ["i64.add", "i32.const 64", "i32.const -1", "local.get $c"])
def test_what_the_assembler_does_not_know_is_an_error(body: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        assemble(SOURCE.format(body))


def test_the_product_equals_the_one_without_simd_in_every_bit(page_of: Create, open_file: Open) -> None:
    same = """() => {
      const memory = new WebAssembly.Memory({ initial: 1 }), floats = new Float32Array(memory.buffer)
      const module = new WebAssembly.Module(fromBase64(description.wasm))
      const { multiply } = new WebAssembly.Instance(module, { page: { memory } }).exports
      for (let k = 0; k < 2900; k++) floats[k] = Math.fround(Math.sin(k * k)) * 10 ** (k % 5)
      return [[4, 4], [8, 12], [52, 28]].map(([columns, rows]) => {
        multiply(16, 8000, 12000, columns, rows)
        const simd = floats.slice(2999, 3060)
        floats.fill(0, 3000)
        plainProduct(floats)(16, 8000, 12000, columns, rows)
        const written = simd.filter((value) => value !== 0).length
        return [rows, written, simd.every((value, k) => Object.is(value, floats[2999 + k]))]
      })
    }"""
    assert open_file(page_of()[1]).evaluate(same) == [[4, 4, True], [12, 12, True], [28, 28, True]]
