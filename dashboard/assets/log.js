// Lines are written with textContent: whatever stands in them is shown, never obeyed.
export function render({ model }) {
  const box = document.createElement("div")
  box.className = "log"
  box.tabIndex = 0
  box.setAttribute("role", "log")
  box.setAttribute("aria-live", "off")
  box.setAttribute("aria-label", model.label)

  const append = (lines) => {
    const atEnd = box.scrollTop + box.clientHeight >= box.scrollHeight - 30
    const fragment = document.createDocumentFragment()
    for (const line of lines.slice(-model.max_lines)) {
      const row = document.createElement("div")
      row.dir = "auto"
      row.className = line.level
      row.textContent = line.text
      fragment.append(row)
    }
    box.append(fragment)
    while (box.childElementCount > model.max_lines) box.firstChild.remove()
    if (atEnd) box.scrollTop = box.scrollHeight
  }

  append(model.lines)
  model.on("after_render", () => { box.scrollTop = box.scrollHeight })
  model.on("msg:custom", (message) => {
    if (message.type === "replace") box.replaceChildren()
    append(message.lines)
  })
  return box
}
