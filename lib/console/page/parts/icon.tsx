/** Drawn on 16 × 16, by lines of the text's colour. */
const PATHS = {
  overview: 'M2.5 2.5h4.5v4.5h-4.5zM9 2.5h4.5v4.5h-4.5zM2.5 9h4.5v4.5h-4.5zM9 9h4.5v4.5h-4.5z',
  room: 'M2.5 6.5 8 2.5l5.5 4v7h-11zM6.5 13.5v-4h3v4',
  topics: 'M2.5 4h11M2.5 8h11M2.5 12h7',
  stores: 'M3 4c0-2 10-2 10 0v8c0 2-10 2-10 0zM3 4c0 2 10 2 10 0M3 8c0 2 10 2 10 0',
  letters: 'M2 4h12v8.5h-12zM2 4.5l6 4.5 6-4.5',
  schedules: 'M8 2a6 6 0 1 0 .01 0M8 4.8v3.4l2.3 1.4',
  control: 'M3 4.5h6M12 4.5h1M3 11.5h1M7 11.5h6M10.5 3v3M5.5 10v3',
  processes:
    'M4 4h8v8h-8zM6.5 1.5v2.5M9.5 1.5v2.5M6.5 12v2.5M9.5 12v2.5M1.5 6.5h2.5M1.5 9.5h2.5M12 6.5h2.5M12 9.5h2.5',
  topology: 'M2 6h3.5v4h-3.5zM10.5 2h3.5v4h-3.5zM10.5 10h3.5v4h-3.5zM5.5 8c3 0 2-4 5-4M5.5 8c3 0 2 4 5 4',
  search: 'M7 2.5a4.5 4.5 0 1 0 .01 0M10.3 10.3l3.2 3.2',
  sun: 'M8 5.2a2.8 2.8 0 1 0 .01 0M8 1.5v1.5M8 13v1.5M1.5 8h1.5M13 8h1.5M3.4 3.4l1 1M11.6 11.6l1 1M12.6 3.4l-1 1M4.4 11.6l-1 1',
  moon: 'M13 9.5a5.5 5.5 0 1 1-6.5-6.5 4.5 4.5 0 0 0 6.5 6.5z',
  system: 'M2 3h12v8h-12zM5.5 13.5h5',
  close: 'M4 4l8 8M12 4l-8 8',
  menu: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
  check: 'M3 8.5l3.3 3.3 6.7-7.3',
  warning: 'M8 2.2l6.3 11.3h-12.6zM8 6.5v3M8 11.3v.4',
  right: 'M6 3.5l4.5 4.5-4.5 4.5',
  download: 'M8 2.5v8M4.8 7.5l3.2 3.2 3.2-3.2M3 13.5h10',
  replay: 'M3 8a5 5 0 1 0 1.6-3.7M4.5 1.8v2.7h2.7',
  trash: 'M3 4.5h10M6 4.5v-2h4v2M4.5 4.5l.6 9h5.8l.6-9',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  play: 'M5 3l8 5-8 5z',
  bolt: 'M9 1.8l-5 7.2h4l-1 5.2 5-7.2h-4z',
  source: 'M2.5 8h8M7.5 5l3 3-3 3M13.5 3.5v9',
  sink: 'M2.5 3.5v9M5.5 8h8M10.5 5l3 3-3 3',
  processor:
    'M8 5.5a2.5 2.5 0 1 0 .01 0M8 2v2M8 12v2M2 8h2M12 8h2M3.8 3.8l1.4 1.4M10.8 10.8l1.4 1.4M12.2 3.8l-1.4 1.4M5.2 10.8l-1.4 1.4',
  help: 'M8 2a6 6 0 1 0 .01 0M6.2 6.5c0-2.4 3.6-2.4 3.6 0 0 1.2-1.8 1.3-1.8 2.5M8 11.3v.4',
  edit: 'M3 13l.6-2.8 7-7 2.2 2.2-7 7zM9.3 4.5l2.2 2.2',
} as const

export type IconName = keyof typeof PATHS

export function Icon({ name, size = 16 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  )
}
