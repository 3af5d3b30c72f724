/**
 * Light or dark, by the system's choice or the visitor's. Loaded before the page, so that it never shows
 * the wrong one first.
 */
const chosen = ((): string | null => {
  try {
    return localStorage.getItem('millrace-theme')
  } catch {
    return null
  }
})()
if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset['theme'] = chosen
