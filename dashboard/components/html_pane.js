// HTML arrives in messages: a changed property would make Bokeh lay out the page again.
export function render({ model }) {
  const root = document.createElement("div")
  root.innerHTML = model.html
  model.on("msg:custom", (html) => { root.innerHTML = html })
  // A change of tab draws it again. The server compares this HTML with the current one.
  model.send_msg(model.html)
  return root
}
