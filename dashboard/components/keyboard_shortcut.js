// Ctrl+Enter or Cmd+Enter, wherever the focus is.
export function render({ model }) {
  const press = (event) => {
    if (event.key !== "Enter" || event.repeat || !(event.ctrlKey || event.metaKey)) return
    event.preventDefault()
    model.send_msg({ type: "pressed" })
  }
  document.addEventListener("keydown", press)
  model.on("remove", () => document.removeEventListener("keydown", press))
  return document.createElement("span")
}
