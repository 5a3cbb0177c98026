// A tablist as the ARIA practices describe it: one tab stop, arrow keys move the focus, Enter or a click opens.
export function render({ model }) {
  const list = document.createElement("div")
  list.setAttribute("role", "tablist")
  list.setAttribute("aria-label", "Pages")

  const move = (event) => {
    const buttons = [...list.children]
    const at = buttons.indexOf(event.target)
    const step = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: buttons.length - 1 }[event.key]
    if (step === undefined) return
    event.preventDefault()
    buttons[(step + buttons.length) % buttons.length].focus()
  }

  const draw = () => {
    const focused = list.getRootNode().activeElement?.dataset?.name
    list.replaceChildren(...model.tabs.map(([name, title]) => {
      const button = document.createElement("button")
      button.type = "button"
      button.dataset.name = name
      button.textContent = title
      button.setAttribute("role", "tab")
      button.setAttribute("aria-selected", String(name === model.current))
      button.tabIndex = name === model.current ? 0 : -1
      button.addEventListener("click", () => model.send_msg({ type: "open", name }))
      return button
    }))
    if (focused) [...list.children].find((button) => button.dataset.name === focused)?.focus()
  }

  list.addEventListener("keydown", move)
  for (const name of ["tabs", "current"]) model.on(name, draw)
  draw()
  return list
}
