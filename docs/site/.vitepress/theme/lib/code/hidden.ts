/** What belongs to a worker and not to the code of a reader in it. */
export const HIDDEN = ['self', 'globalThis', 'postMessage', 'onmessage', 'close', 'fetch', 'importScripts', 'Worker', 'XMLHttpRequest', 'WebSocket', 'indexedDB', 'caches'] as const
