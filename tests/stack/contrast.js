// The text that is hardest to read: its contrast with the ground, as WCAG computes it; its class, its beginning.
() => {
  const light = (text) => text.match(/[\d.]+/g).slice(0, 3).map(Number)
    .map((one) => one / 255).map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4))
    .reduce((sum, one, at) => sum + one * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = light(getComputedStyle(document.body).backgroundColor);
  const ratio = (one) => {
    const own = light(getComputedStyle(one).color);
    return (Math.max(own, ground) + 0.05) / (Math.min(own, ground) + 0.05);
  };
  return [...document.querySelectorAll("a, strong, span, td, th, p, h1, h2, li")]
    .filter((one) => one.offsetParent && one.innerText).map((one) => [ratio(one), one.className, one.innerText.slice(0, 40)])
    .sort((a, b) => a[0] - b[0])[0];
}
