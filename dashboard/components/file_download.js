// Saves a file that the server sends.
export function render({ model }) {
  model.on("msg:custom", ({ name, data }) => {
    const link = document.createElement("a")
    link.href = URL.createObjectURL(new Blob([data], { type: "application/octet-stream" }))
    link.download = name
    link.click()
    setTimeout(() => URL.revokeObjectURL(link.href), 10000)
  })
  return document.createElement("span")
}
