/**
 * When a windowed table sends results (KIP-825). `on-window-update`: with every change, or as often as its cache lets go. `on-window-close`: once,
 * when the window has ended and its grace is over; what retention has ended by then is never sent, so give `retentionMs` where stream time may jump.
 */
export type EmitStrategy = 'on-window-update' | 'on-window-close'
