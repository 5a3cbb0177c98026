"""Exported pages in Chromium, opened from a file without a network: what their readers see and do."""

import re
import socket

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import accessibility_violations
from tests.support.waiting import TIMEOUT
from tests.support.web_page_reference import Create, Open, ReferencePage

expect.set_options(timeout=1000 * TIMEOUT)
HOSTILE_NAMES = [
    "</script><script>document.title='broken'</script>", "<!--<script>", "line\u2028and\u2029paragraph",
    "<img src=x onerror=\"document.title='broken'\">", "\u202egnp.exe", "&amp; &lt;", "'\"`\\", "%%SCRIPT%%",
    "\ufeff🦆 مرحبا", "$&$1{0}",
]  # fmt: skip
HOSTILE_CHARACTERS = (
    "</script>&\"'`\\\n\r\t\0\x1b\x7f\x85\xa0\u0301\u200b\u2028\u2029\u202e\ufeff\ufffe\U0001f986\U0010ffff漢م"
)


def generate(page: Page, *, seed: int = 3, length: int = 120, prompt: str = "bad") -> str:
    """Fill in the form, write, wait for the end, and return the text with its prompt."""
    page.get_by_label("Prompt").fill(prompt)
    page.get_by_label("Length").fill(str(length))
    page.get_by_label("Seed", exact=True).fill(str(seed))
    page.get_by_role("button", name="Write").click()
    expect(page.get_by_role("status")).to_contain_text("Done")
    text: str = page.get_by_role("textbox", name="Generated text").evaluate("box => box.textContent")
    return text


def test_a_page_writes_what_the_reference_writes(page_of: Create, open_file: Open) -> None:
    _, path = page_of("int8", cell="lstm", name="my ducks")
    page = open_file(path)
    expect(page).to_have_title("my ducks")
    expect(page.get_by_role("heading", name="my ducks")).to_be_visible()
    expected, logprobs = ReferencePage(path.read_text("utf-8")).write("bad", 120, seed=3, temperature=0.8)
    assert generate(page) == "bad" + expected
    expect(page.get_by_role("status")).to_have_text("Done: 120 characters with seed 3.")
    assert generate(page, seed=4) != generate(page, seed=3) == "bad" + expected
    surprise = page.locator(".box span").nth(8).evaluate("span => span.style.getPropertyValue('--nats')")
    assert float(surprise) == pytest.approx(-logprobs[7], abs=0.006)


def test_temperature_0_writes_the_most_likely_text_and_seed_0_chooses_a_seed(page_of: Create, open_file: Open) -> None:
    _, path = page_of("int8", cell="gru")
    page = open_file(path)
    page.get_by_label("Temperature").focus()
    page.keyboard.press("Home")
    expect(page.locator("#shown-temperature")).to_have_text("0.00")
    expected, _ = ReferencePage(path.read_text("utf-8")).write("\n", 50, seed=1, temperature=0)
    seeds = set()
    for _ in range(2):
        assert generate(page, seed=0, length=50, prompt="") == expected
        seeds.add(page.get_by_role("status").inner_text())
    assert len(seeds) == 2


def test_a_text_appears_while_it_is_written_and_can_be_stopped_and_copied(page_of: Create, open_file: Open) -> None:
    page = open_file(page_of()[1])
    page.get_by_label("Length").fill("100000")
    page.get_by_role("button", name="Write").click()
    page.wait_for_function("document.querySelectorAll('.box span').length > 200")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("status")).to_contain_text("Stopped")
    text = page.locator(".box").evaluate("box => box.textContent")
    assert 200 < len(text) < 100_000
    expect(page.get_by_role("button", name="Stop")).to_be_disabled()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == text


def test_a_character_has_a_menu_of_alternatives_that_continue_the_text(page_of: Create, open_file: Open) -> None:
    page = open_file(page_of()[1], phone=True)
    text = generate(page, prompt="bed")
    page.locator(".box span").nth(6).tap()
    popup = page.locator(".popup")
    expect(popup).to_contain_text(re.compile(r"\d\.\d\d nats, [\d.]+% chance"))
    rows = popup.get_by_role("button")
    assert rows.count() == 6
    shares = [float(row.split("\n")[-1].rstrip("%")) for row in rows.all_inner_texts()]
    assert shares == sorted(shares, reverse=True) and sum(shares) <= 101, "the rest is the unknown token's"
    chosen = {"space": " ", "newline": "\n"}.get(
        rows.nth(2).locator("bdi").inner_text(), rows.nth(2).locator("bdi").inner_text()
    )
    rows.nth(2).tap()
    expect(popup).to_be_hidden()
    expect(page.get_by_label("Prompt")).to_have_value(text[:8] + chosen)
    expect(page.get_by_role("status")).to_contain_text("Done")
    assert page.locator(".box").evaluate("box => box.textContent").startswith(text[:8] + chosen)


def test_the_keyboard_reaches_every_character(page_of: Create, open_file: Open) -> None:
    page = open_file(page_of()[1])
    generate(page)
    page.get_by_role("textbox", name="Generated text").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(page.locator(".box .current")).to_have_count(1)
    assert page.locator(".box span").nth(3).evaluate("span => span.className") == "current"
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".popup button").nth(1)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".popup")).to_be_hidden()
    expect(page.get_by_role("textbox", name="Generated text")).to_be_focused()


def test_unknown_characters_of_the_prompt_are_named_and_left_out(page_of: Create, open_file: Open) -> None:
    page = open_file(page_of()[1])
    assert generate(page, prompt="bäd<b>🦆").startswith("bdb")
    expect(page.locator("#message")).to_contain_text("left out: ä < > 🦆")
    generate(page)
    expect(page.locator("#message")).to_be_hidden()


def test_an_invalid_number_is_rejected(page_of: Create, open_file: Open) -> None:
    page = open_file(page_of()[1])
    for label, number in (("Length", "0"), ("Length", "100001"), ("Seed", "-1"), ("Seed", "2147483648"), ("Seed", "")):
        page.get_by_label(label, exact=True).fill(number)
        page.get_by_role("button", name="Write").click()
        expect(page.get_by_label(label, exact=True)).to_be_focused()
        expect(page.get_by_role("status")).to_have_text("Ready.")
        page.reload()
        page.get_by_text("Ready.").wait_for()


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names_and_characters_are_text(name: str, page_of: Create, open_file: Open) -> None:
    characters = "".join(dict.fromkeys(HOSTILE_CHARACTERS + name))
    page = open_file(page_of(name=name, characters=characters)[1])
    assert page.locator("h1 bdi").evaluate("element => element.textContent") == name
    assert page.evaluate("description.name") == name
    assert page.evaluate("description.characters") == list(characters)
    text = page.evaluate("document.title")
    assert text == re.sub(r"[\t\n\f\r ]+", " ", name).strip()
    prompt = "</script>"
    generate(page, prompt=prompt, length=400)
    written: str = page.evaluate("text.text")
    assert written.startswith(prompt) and len(written) == len(prompt) + 400 and set(written) <= set(characters)
    assert page.locator(".box").evaluate("box => box.textContent") == written
    assert page.locator("script").count() == 3 and page.locator("img").count() == 0


@pytest.mark.parametrize(("dark", "phone"), [(False, False), (True, False), (False, True), (True, True)])
def test_the_page_is_accessible(dark: bool, phone: bool, page_of: Create, open_file: Open) -> None:
    page = open_file(page_of(ngram_order=3)[1], dark=dark, phone=phone)
    assert not accessibility_violations(page)
    generate(page, prompt="bad ü")
    page.locator("summary").click()
    page.locator(".box span").nth(5).click()
    assert not accessibility_violations(page)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (sum(background) < 384) == dark
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if phone:
        heights = page.get_by_role("button").evaluate_all(
            "buttons => buttons.map((b) => b.offsetHeight).filter(Boolean)"
        )
        assert min(heights) >= 34


def test_a_page_says_that_it_lacks_the_n_grams_of_its_model(page_of: Create, open_file: Open) -> None:
    expect(open_file(page_of()[1]).locator("#ngrams")).to_be_hidden()
    expect(open_file(page_of(ngram_order=4)[1]).locator("#ngrams")).to_contain_text("only the network")


def test_without_webassembly_a_page_writes_the_same(page_of: Create, chromium: Browser) -> None:
    _, path = page_of("int8", cell="mingru")
    context = chromium.new_context()
    context.add_init_script("delete globalThis.WebAssembly")
    page = context.new_page()
    page.goto(path.as_uri())
    page.get_by_text("Ready.").wait_for()
    page.locator("summary").click()
    expect(page.locator("#facts")).to_contain_text("plain JavaScript")
    expected, _ = ReferencePage(path.read_text("utf-8")).write("bad", 120, seed=3, temperature=0.8)
    assert generate(page) == "bad" + expected
    context.close()


def test_the_policy_forbids_requests_and_other_scripts(page_of: Create, chromium: Browser) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(page_of()[1].as_uri())
    page.get_by_text("Ready.").wait_for()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        attempts = """async (address) => {
          const script = Object.assign(document.createElement("script"), { textContent: "document.title = 'broken'" })
          document.body.append(script)
          document.querySelector("h1").setAttribute("onclick", "document.title = 'broken'")
          document.querySelector("h1").click()
          new Image().src = address + "x.png"
          return fetch(address, { signal: AbortSignal.timeout(5000) }).then(() => "loaded", (error) => error.name)
        }"""
        assert page.evaluate(attempts, f"http://127.0.0.1:{server.getsockname()[1]}/") == "TypeError"
        with pytest.raises(BlockingIOError):  # nobody has connected
            server.accept()
    expect(page).to_have_title("ducks")
    context.close()


def test_a_page_has_at_most_1_4_times_the_size_of_the_weights(page_of: Create) -> None:
    characters = "".join(map(chr, range(32, 120)))
    quick = {"cell": "mingru", "lstm_size": 192, "num_layers": 5, "characters": characters}
    network, float16 = page_of("float16", **quick)
    num_bytes = 2 * sum(weight.numpy().size for weight in network.weights)
    assert float16.stat().st_size < 1.4 * num_bytes
    assert page_of("int8", **quick)[1].stat().st_size < 0.75 * num_bytes
