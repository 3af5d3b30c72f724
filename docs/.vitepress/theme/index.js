// The default theme with the fonts of the system: nothing is fetched for it.
export { default } from 'vitepress/theme-without-fonts'
import './style.css'
