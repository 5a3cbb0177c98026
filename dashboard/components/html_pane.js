// HTML arrives in messages: a changed property would make Bokeh lay out the page again.
export function render({ model }) {
  const root = document.createElement("div")
  root.innerHTML = model.html
  model.on("msg:custom", (html) => { root.innerHTML = html })
  // Drawn again on each change of tab: the server knows whether this is up to date.
  model.send_msg(model.html)
  return root
}
