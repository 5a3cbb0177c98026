// The generated text: each character is colored by its surprise and has a menu of alternatives. Each line is a block, so
// that adding characters to a long text lays out one line only. Text is written with textContent.
const MAX_COLORED_NATS = 8

class SurpriseText {
  // branch(text): called when the user chose an alternative; the text ends with it.
  constructor(root, branch) {
    this.root = root
    this.branch = branch
    this.box = element("div", { className: "box", tabIndex: 0, dir: "auto" })
    this.box.setAttribute("role", "textbox")
    this.box.setAttribute("aria-readonly", "true")
    this.box.setAttribute("aria-multiline", "true")
    this.box.setAttribute("aria-label", "Generated text")
    this.popup = element("div", { className: "popup", hidden: true })
    root.append(this.box, this.popup)
    this.box.addEventListener("click", (event) => this.open(this.indexOf.get(event.target) ?? -1, true))
    root.addEventListener("keydown", (event) => this.handleKey(event))
    this.start("")
  }

  get text() { return this.prompt + this.cells.map((cell) => cell.character).join("") }

  start(prompt) {
    this.prompt = prompt
    this.cells = []
    this.indexOf = new WeakMap()
    this.close()
    this.line = element("div")
    this.line.append(element("span", { className: "prompt", textContent: prompt }))
    this.box.replaceChildren(this.line)
  }

  append(cells) {
    for (const cell of cells) {
      if (!this.line) this.box.append(this.line = element("div"))
      cell.span = element("span", { textContent: cell.character })
      cell.span.style.setProperty("--nats", Math.min(-cell.logprob, MAX_COLORED_NATS).toFixed(2))
      this.indexOf.set(cell.span, this.cells.length)
      this.cells.push(cell)
      this.line.append(cell.span)
      if (cell.character === "\n") this.line = null
    }
  }

  close() {
    this.popup.hidden = true
    this.cells[this.current]?.span.classList.remove("current")
    this.current = -1
  }

  open(index, focuses) {
    this.close()
    const cell = this.cells[index]
    if (!cell) return
    this.current = index
    cell.span.classList.add("current")
    const title = `${shown(cell.character)}: ${(-cell.logprob).toFixed(2)} nats, ${percent(cell.logprob)} chance`
    const rows = cell.alternatives.map(([character, logprob]) => {
      const row = element("button", { type: "button", title: "Continue from here with this character" })
      const share = element("span", { className: "share", textContent: percent(logprob) })
      share.style.setProperty("--share", exp(logprob).toFixed(4))
      row.append(element("bdi", { textContent: shown(character) }), share)
      row.addEventListener("click", () => {
        const before = this.cells.slice(0, index).map((cell) => cell.character).join("")
        this.branch(this.prompt + before + character)
      })
      return row
    })
    this.popup.replaceChildren(element("p", { className: "soft", textContent: title }), ...rows)
    this.popup.hidden = false
    const at = cell.span.getBoundingClientRect(), around = this.root.getBoundingClientRect()
    const left = Math.min(at.left - around.left, around.width - this.popup.offsetWidth)
    this.popup.style.left = `${Math.max(0, left)}px`
    this.popup.style.top = `${at.bottom - around.top + 4}px`
    if (focuses) rows[0].focus({ preventScroll: true })
  }

  handleKey(event) {
    if (event.key === "Escape") { this.close(); this.box.focus(); return }
    if (event.target === this.box) {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
      if (step) this.open(Math.max(0, Math.min(this.cells.length - 1, this.current + step)), false)
      else if (event.key === "Enter" && this.current >= 0) this.open(this.current, true)
      else return
    } else {
      const sibling = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key]
      if (!sibling) return
      event.target[sibling]?.focus()
    }
    event.preventDefault()
  }
}

function element(name, properties = {}) { return Object.assign(document.createElement(name), properties) }

const NAMES = { " ": "space", "\n": "newline", "\t": "tab" }
function shown(character) {
  const isVisible = !/^[\p{C}\p{Z}\p{M}]/u.test(character)
  return NAMES[character] ?? (isVisible ? character : `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`)
}

function percent(logprob) {
  const share = 100 * exp(logprob)
  return share >= 10 ? `${Math.round(share)}%` : `${share.toFixed(1)}%`
}
