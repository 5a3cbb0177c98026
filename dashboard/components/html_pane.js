// Receives HTML in messages, since a changed property would make Bokeh lay out the page again.
export function render({ model }) {
  const root = document.createElement("div")
  root.innerHTML = model.html
  model.on("msg:custom", (html) => { root.innerHTML = html })
  // Rendered again when its tab is opened again: the server checks whether this HTML is still current.
  model.send_msg(model.html)
  return root
}
