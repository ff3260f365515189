/** Arrow keys move through the panel's lines, like in the file browser. */

const STOPS = '[data-mlnb-stop]';

/**
 * Move the focus for a key pressed inside the panel.
 *
 * @returns Whether the key was used.
 */
export function moveFocus(panel: HTMLElement, key: string): boolean {
  const stops = [...panel.querySelectorAll<HTMLElement>(STOPS)];
  const focused = document.activeElement as HTMLElement | null;
  const here = focused ? stops.indexOf(focused) : -1;
  let next: number;
  switch (key) {
    case 'ArrowDown':
      next = here + 1;
      break;
    case 'ArrowUp':
      next = here - 1;
      break;
    case 'Home':
      next = 0;
      break;
    case 'End':
      next = stops.length - 1;
      break;
    default:
      return false;
  }
  if (here < 0) {
    return false;
  }
  stops[Math.max(0, Math.min(next, stops.length - 1))]?.focus();
  return true;
}
