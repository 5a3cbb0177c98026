// Shows the lines of a log, which are inserted with textContent, so that HTML in them is shown as text.
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
  // Rendered again when its tab is opened again: the server checks whether these lines are still current.
  model.send_msg({ type: "drawn", number })
  return box
}
