// Lines are written with textContent: whatever stands in them is shown, never obeyed.
export function render({ model }) {
  const box = document.createElement("div")
  box.className = "log"
  box.tabIndex = 0
  box.setAttribute("role", "log")
  box.setAttribute("aria-live", "off")
  box.setAttribute("aria-label", model.label)
  let atEnd = true
  box.addEventListener("scroll", () => {
    atEnd = box.scrollTop + box.clientHeight >= box.scrollHeight - 30
  })

  const append = (lines) => {
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
    if (atEnd && model.follow) box.scrollTop = box.scrollHeight
  }

  model.on("follow", () => {
    if (model.follow) { atEnd = true; box.scrollTop = box.scrollHeight }
  })
  model.on("msg:custom", (message) => {
    if (message.type === "replace") { box.replaceChildren(); atEnd = true }
    append(message.lines)
  })
  const [number, lines] = JSON.parse(model.start)
  append(lines)
  // Drawn again on every change of tab: the program knows whether this is what belongs here.
  model.send_msg({ type: "drawn", number })
  return box
}
