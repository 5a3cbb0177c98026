// Asks for news; the next question waits until the last one was answered.
export function render({ model }) {
  const timer = setInterval(() => {
    if (document.visibilityState !== "hidden") model.beat += 1
  }, 250)
  model.on("remove", () => clearInterval(timer))
  return document.createElement("span")
}
