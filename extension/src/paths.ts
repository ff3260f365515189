/** A project's path → the file browser's path. */

import type { Place } from './records';

/**
 * Where the file browser shows a file of the project.
 *
 * @returns The path, or null when the file lies outside what the file browser shows, or in a
 * hidden folder.
 */
export function browserPath(place: Place, path: string): string | null {
  if (!path || !place.reachable || path.startsWith('../')) {
    return null;
  }
  if (path.split('/').some(part => part.startsWith('.'))) {
    return null;
  }
  if (place.within) {
    const folder = `${place.within}/`;
    return path.startsWith(folder) ? path.slice(folder.length) : null;
  }
  return place.prefix ? `${place.prefix}/${path}` : path;
}
