// Markup comes as messages: a changed property would have Bokeh lay out the page anew.
export function render({ model }) {
  const box = document.createElement("div")
  box.innerHTML = model.html
  model.on("msg:custom", (html) => { box.innerHTML = html })
  // Drawn again on every change of tab: the program knows whether this is what belongs here.
  model.send_msg(model.html)
  return box
}
