// Generated text: each character is colored by its surprise, and has a menu of its alternatives.
// Stored text is written with textContent.
export function render({ model }) {
  const root = document.createElement("div")
  root.className = "generated"
  const box = document.createElement("div")
  box.className = "box"
  box.tabIndex = 0
  box.dir = "auto"
  box.setAttribute("role", "textbox")
  box.setAttribute("aria-readonly", "true")
  box.setAttribute("aria-multiline", "true")
  box.setAttribute("aria-label", model.label)
  const popup = document.createElement("div")
  popup.className = "popup"
  popup.hidden = true
  const copy = document.createElement("button")
  copy.type = "button"
  copy.className = "copy"
  copy.textContent = "Copy"
  copy.addEventListener("click", async () => {
    const copied = await toClipboard(box.textContent)
    copy.textContent = copied ? "Copied" : "Press Ctrl+C"
    setTimeout(() => { copy.textContent = "Copy" }, 1500)
  })
  root.append(box, copy, popup)

  // Without HTTPS, browsers give pages of other machines no clipboard; the text is selected instead.
  const toClipboard = async (text) => {
    try { await navigator.clipboard.writeText(text); return true } catch { /* no clipboard */ }
    getSelection().selectAllChildren(box)
    return document.execCommand("copy")
  }

  let cells = []          // {span, nats, choices}
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
      const head = document.createElement("div")
      head.className = "head"
      head.textContent = `${name(cell.character)}: ${cell.nats.toFixed(2)} nats, ${percent(Math.exp(-cell.nats))} chance`
      popup.append(head)
    }
    cell.choices.forEach(([character, share], choice) => {
      const row = document.createElement("button")
      row.type = "button"
      row.title = "Continue from here with this character"
      const letter = document.createElement("bdi")
      letter.textContent = name(character)
      const bar = document.createElement("span")
      bar.className = "share"
      bar.style.setProperty("--share", share)
      bar.textContent = percent(share)
      row.append(letter, bar)
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
    const found = document.createElement("div")
    found.className = "source"
    const head = document.createElement("div")
    head.className = "head"
    head.textContent = `${length} characters copied from line ${line.toLocaleString("en")} of your text:`
    const quote = document.createElement("div")
    quote.className = "quote"
    quote.dir = "auto"
    const copied = document.createElement("mark")
    copied.textContent = source[1]
    quote.append("… " + source[0], copied, source[2] + " …")
    found.append(head, quote)
    return found
  }
  const percent = (share) => share >= 0.1 ? Math.round(100 * share) + "%" : (100 * share).toFixed(1) + "%"
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
    box.replaceChildren()
    const promptSpan = document.createElement("span")
    promptSpan.className = "prompt"
    promptSpan.textContent = prompt
    box.append(promptSpan)
  }
  const append = ({ characters, nats, choices }) => {
    const fragment = document.createDocumentFragment()
    characters.forEach((character, i) => {
      const span = document.createElement("span")
      span.textContent = character
      span.style.setProperty("--nats", Math.min(nats[i] ?? 0, 8))
      cells.push({ span, character, nats: nats[i], choices: choices[i] ?? [] })
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
