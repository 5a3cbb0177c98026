// Shows generated text: each character is colored by its surprise, and has a menu of its alternatives.
// Text is inserted with textContent, so that HTML in it is shown as text.
const element = (tag, properties) => Object.assign(document.createElement(tag), properties)

export function render({ model }) {
  const root = element("div", { className: "generated" })
  const box = element("div", {
    className: "box", tabIndex: 0, dir: "auto", role: "textbox", ariaReadOnly: "true", ariaMultiLine: "true",
    ariaLabel: model.label,
  })
  const popup = element("div", { className: "popup", hidden: true })
  const copy = element("button", { type: "button", className: "copy", textContent: "Copy" })
  copy.addEventListener("click", async () => {
    const copied = await toClipboard(box.textContent)
    copy.textContent = copied ? "Copied" : "Press Ctrl+C"
    setTimeout(() => { copy.textContent = "Copy" }, 1500)
  })
  root.append(box, copy, popup)

  // Without HTTPS, browsers provide the clipboard only to pages of localhost; copy a selection instead.
  const toClipboard = async (text) => {
    try { await navigator.clipboard.writeText(text); return true } catch { /* not available */ }
    getSelection().selectAllChildren(box)
    return document.execCommand("copy")
  }

  let cells = []          // {span, character, nats, alternatives}
  let current = -1
  let pinned = false

  const name = (c) => ({ " ": "space", "\n": "newline", "\t": "tab" })[c] ?? c
  const mark = (index) => {
    if (cells[current]) cells[current].span.classList.remove("current")
    current = index
    if (cells[current]) cells[current].span.classList.add("current")
  }
  const close = () => { popup.hidden = true; pinned = false; mark(-1) }

  const open = (index, pin) => {
    const cell = cells[index]
    if (!cell) return
    if (cell.nats === undefined && !cell.copy) { popup.hidden = true; return }
    mark(index)
    pinned = pin
    popup.replaceChildren()
    if (cell.nats !== undefined) {
      popup.append(element("div", {
        className: "head",
        textContent: `${name(cell.character)}: ${cell.nats.toFixed(2)} nats, ${percent(Math.exp(-cell.nats))} chance`,
      }))
    }
    cell.alternatives.forEach(([character, probability], choice) => {
      const row = element("button", { type: "button", title: "Continue from here with this character" })
      const bar = element("span", { className: "probability", textContent: percent(probability) })
      bar.style.setProperty("--probability", probability)
      row.append(element("bdi", { textContent: name(character) }), bar)
      row.addEventListener("click", () => { close(); box.focus(); model.send_msg({ type: "branch", index, choice }) })
      popup.append(row)
    })
    if (cell.copy) popup.append(sourceOf(cell.copy))
    popup.hidden = false
    const at = cell.span.getBoundingClientRect(), around = root.getBoundingClientRect()
    popup.style.left = Math.max(0, Math.min(at.left - around.left, around.width - popup.offsetWidth)) + "px"
    popup.style.top = at.bottom - around.top + 4 + "px"
    if (pin) popup.querySelector("button")?.focus()
  }
  const sourceOf = ({ length, line, source }) => {
    const origin = element("div", { className: "source" })
    const quote = element("div", { className: "quote", dir: "auto" })
    quote.append("… " + source[0], element("mark", { textContent: source[1] }), source[2] + " …")
    const title = `${length} characters copied from line ${line.toLocaleString("en")} of your text:`
    origin.append(element("div", { className: "head", textContent: title }), quote)
    return origin
  }
  const percent = (p) => (100 * p).toFixed(p >= 0.1 ? 0 : 1) + "%"
  const indexOf = (event) => cells.findIndex((cell) => cell.span === event.target)

  box.addEventListener("mouseover", (event) => { const i = indexOf(event); if (i >= 0 && !pinned) open(i, false) })
  root.addEventListener("mouseleave", () => { if (!pinned) close() })
  box.addEventListener("click", (event) => { const i = indexOf(event); if (i >= 0) open(i, true); else close() })
  root.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { close(); box.focus(); return }
    if (event.target !== box) {
      const sibling = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key]
      const next = event.target[sibling]
      if (sibling && popup.contains(event.target)) { event.preventDefault(); next?.focus() }
      return
    }
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    if (step) {
      event.preventDefault()
      mark(Math.max(0, Math.min(cells.length - 1, current + step)))
      open(current, false)
    }
    if (event.key === "Enter" && current >= 0) { event.preventDefault(); open(current, true) }
  })

  const start = (prompt) => {
    close()
    cells = []
    box.replaceChildren(element("span", { className: "prompt", textContent: prompt }))
  }
  const append = ({ characters, nats, alternatives }) => {
    const fragment = document.createDocumentFragment()
    characters.forEach((character, i) => {
      const span = element("span", { textContent: character })
      span.style.setProperty("--nats", Math.min(nats[i] ?? 0, 8))
      cells.push({ span, character, nats: nats[i], alternatives: alternatives[i] ?? [] })
      fragment.append(span)
    })
    box.append(fragment)
  }
  const markCopies = (copies) => {
    for (const copy of [...copies].sort((one, other) => one.length - other.length)) {
      for (const cell of cells.slice(copy.start, copy.start + copy.length)) {
        cell.copy = copy
        cell.span.classList.add("copied")
      }
    }
  }
  const paint = () => root.classList.toggle("colored", model.colored)
  model.on("colored", paint)
  paint()
  model.on("msg:custom", (message) => {
    if (message.type === "copies") return markCopies(message.copies)
    if (message.type === "start") start(message.prompt)
    append(message)
  })
  model.send_msg({ type: "drawn" })
  return root
}
