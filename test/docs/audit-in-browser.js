// What a page of documents is looked at for, in the browser itself: test/docs/page-audit.ts asks. Each text is a fault.
globalThis.audit = {}

audit.layout = () => {
  const { scrollWidth, clientWidth } = document.documentElement
  if (scrollWidth <= clientWidth) return []
  const wide = [...document.querySelectorAll('body *')].filter(
    element => element.getBoundingClientRect().right > clientWidth + 1,
  )
  const names = wide.slice(0, 3).map(element => `${element.tagName}.${element.className}`)
  return [`scrolls sideways: ${scrollWidth} of ${clientWidth} px, for ${names.join(', ')}`]
}

// WCAG 2.2, 1.4.3: 4.5 to 1, and 3 to 1 for large text. Of texts that are visible, each pair of colours once.
audit.contrast = () => {
  const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
  const colourOf = css => {
    context.clearRect(0, 0, 1, 1)
    context.fillStyle = css
    context.fillRect(0, 0, 1, 1)
    const [red, green, blue, alpha] = context.getImageData(0, 0, 1, 1).data
    return [red, green, blue, alpha / 255]
  }
  const over = (top, below) => {
    const mixed = [0, 1, 2].map(at => top[at] * top[3] + below[at] * (1 - top[3]))
    return [mixed[0], mixed[1], mixed[2], 1]
  }
  const groundOf = element => {
    if (!element) return [255, 255, 255, 1]
    const own = colourOf(getComputedStyle(element).backgroundColor)
    return own[3] === 1 ? own : over(own, groundOf(element.parentElement))
  }
  const luminance = colour => {
    const [red, green, blue] = colour.slice(0, 3).map(value => {
      const share = value / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const faults = new Map()
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const element = node.parentElement
    const isSeen = element.checkVisibility({ opacityProperty: true, visibilityProperty: true })
    if (node.textContent.trim() === '' || !isSeen) continue
    const style = getComputedStyle(element)
    const ground = groundOf(element)
    const lights = [luminance(over(colourOf(style.color), ground)), luminance(ground)]
    const ratio = (Math.max(...lights) + 0.05) / (Math.min(...lights) + 0.05)
    const size = parseFloat(style.fontSize)
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700)
    const least = isLarge ? 3 : 4.5
    if (ratio < least) {
      const what = `${element.tagName}.${element.className} "${node.textContent.trim().slice(0, 30)}"`
      faults.set(`${style.color} ${ground.join()}`, `contrast ${ratio.toFixed(2)} of ${least}: ${what}`)
    }
  }
  return [...faults.values()]
}

// Of the element that the keyboard has reached: it is marked by an outline or a shadow.
audit.focus = () => {
  const element = document.activeElement
  if (!element || element === document.body) return 'the keyboard reaches nothing'
  const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element)
  const isMarked = (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1) || boxShadow !== 'none'
  return isMarked ? '' : `focus is not seen on ${element.tagName}.${element.className}`
}

// Anchors of the page, and its links to this site as `/path#anchor`.
audit.links = () => ({
  ids: [...document.querySelectorAll('[id]')].map(({ id }) => id),
  links: [...document.querySelectorAll('a[href]')]
    .map(link => new URL(link.href))
    .filter(({ origin }) => origin === location.origin)
    .map(({ pathname, hash }) => decodeURIComponent(pathname + hash)),
})
