// Shows the lines of a log, which are inserted with textContent, so that HTML in them is shown as text.
const element = (tag, properties) => Object.assign(document.createElement(tag), properties)

export function render({ model }) {
  const box = element("div", { className: "log", tabIndex: 0, role: "log", ariaLive: "off", ariaLabel: model.label })
  let atEnd = true
  box.addEventListener("scroll", () => {
    atEnd = box.scrollTop + box.clientHeight >= box.scrollHeight - 30
  })

  const append = (lines) => {
    box.append(...lines.slice(-model.max_lines).map((line) =>
      element("div", { dir: "auto", className: line.level, textContent: line.text })))
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
  const grown = new ResizeObserver(() => {
    if (atEnd && model.follow) box.scrollTop = box.scrollHeight
  })
  grown.observe(box)
  model.on("remove", () => grown.disconnect())
  const [number, lines] = JSON.parse(model.start)
  append(lines)
  // Rendered again when its tab is opened again: the server checks whether these lines are still current.
  model.send_msg({ type: "drawn", number })
  return box
}
