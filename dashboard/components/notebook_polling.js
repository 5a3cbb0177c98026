// Polls for updates: each change of `count` reaches the server.
export function render({ model }) {
  const timer = setInterval(() => {
    if (document.visibilityState !== "hidden") model.count += 1
  }, 250)
  model.on("remove", () => clearInterval(timer))
  return document.createElement("span")
}
