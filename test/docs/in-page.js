/* Run in the page by check-site.ts. */

/** What is wrong with the text that can be seen: WCAG 2.1, 1.4.3. */
function lowContrast() {
  const colour = text => {
    const [r = 0, g = 0, b = 0, a = 1] = (/\(([^)]*)\)/.exec(text)?.[1] ?? '0,0,0,0')
      .split(/[ ,/]+/)
      .map(Number)
    return [r, g, b, a]
  }
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(each => {
      const part = each / 255
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * x + 0.7152 * y + 0.0722 * z
  }
  const over = (top, below) => {
    const mix = at => top[at] * top[3] + below[at] * (1 - top[3])
    return [mix(0), mix(1), mix(2), 1]
  }
  const backgroundOf = element => {
    if (!element) return [255, 255, 255, 1]
    const own = colour(getComputedStyle(element).backgroundColor)
    return own[3] === 1 ? own : over(own, backgroundOf(element.parentElement))
  }
  const found = new Set()
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement
    if (
      !element ||
      node.textContent.trim() === '' ||
      !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })
    )
      continue
    const style = getComputedStyle(element)
    const below = backgroundOf(element)
    const [first, second] = [luminance(over(colour(style.color), below)), luminance(below)]
    const ratio = (Math.max(first, second) + 0.05) / (Math.min(first, second) + 0.05)
    const isLarge =
      parseFloat(style.fontSize) >= 24 ||
      (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700)
    if (ratio < (isLarge ? 3 : 4.5)) found.add(`${element.tagName}.${element.className} ${ratio.toFixed(2)}`)
  }
  return [...found]
}

/** The element that has the focus, where nothing shows that it has. */
function unseenFocus() {
  const at = document.activeElement
  if (!at || at === document.body) return undefined
  const { outlineStyle, boxShadow } = getComputedStyle(at)
  return outlineStyle === 'none' && boxShadow === 'none' ? at.outerHTML.slice(0, 80) : undefined
}

function pixelsOver() {
  return document.documentElement.scrollWidth - window.innerWidth
}
