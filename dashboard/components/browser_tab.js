// The title of the browser tab, and its icon: a ring that fills while a training runs.
const SIZE = 32

const ring = (percent) => {
  const canvas = document.createElement("canvas")
  canvas.width = canvas.height = SIZE
  const context = canvas.getContext("2d")
  context.lineWidth = 6
  for (const [color, share] of [["#b8c4cf", 1], ["#1f5f8b", percent / 100]]) {
    context.strokeStyle = color
    context.beginPath()
    context.arc(SIZE / 2, SIZE / 2, SIZE / 2 - 4, -Math.PI / 2, (2 * share - 0.5) * Math.PI)
    context.stroke()
  }
  return canvas.toDataURL()
}

export function render({ model }) {
  const usual = document.title
  const icon = document.querySelector("link[rel~=icon]")
  const usualIcon = icon?.href
  const show = () => {
    document.title = model.text || usual
    if (icon) icon.href = model.percent < 0 ? usualIcon : ring(model.percent)
  }
  for (const name of ["text", "percent"]) model.on(name, show)
  show()
  return document.createElement("span")
}
