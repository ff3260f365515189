/** What JupyterLab's packages expect of a browser and jsdom does not have. */

import { cleanup } from '@testing-library/react';
import { afterEach, vi } from 'vitest';

afterEach(cleanup);

class Observer {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}

globalThis.DragEvent ??= class extends MouseEvent {} as typeof DragEvent;
globalThis.ClipboardEvent ??= class extends Event {} as typeof ClipboardEvent;
globalThis.ResizeObserver ??= Observer as unknown as typeof ResizeObserver;
globalThis.IntersectionObserver ??=
  Observer as unknown as typeof IntersectionObserver;
window.matchMedia ??= vi.fn().mockReturnValue({
  matches: false,
  addEventListener: () => undefined,
  removeEventListener: () => undefined
});

// jsdom has none; React widgets of JupyterLab are drawn when the browser has time.
globalThis.requestIdleCallback ??= callback =>
  window.setTimeout(
    () => callback({ didTimeout: false, timeRemaining: () => 50 }),
    0
  );
