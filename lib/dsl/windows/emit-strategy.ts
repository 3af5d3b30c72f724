/**
 * When a windowed table sends results (KIP-825). `on-window-update`: with every change, or as often as its
 * cache lets go. `on-window-close`: once, when the window has ended and its grace is over, at the latest
 * before retention ends it, however far stream time jumps.
 */
export type EmitStrategy = 'on-window-update' | 'on-window-close'
