/** Which node an arrow key leads to. */

import type { Direction, IBox, ILayout } from './graph-layout';

/** The neighbours of each node, along and against the edges. */
export interface INeighbours {
  after: Map<string, string[]>;
  before: Map<string, string[]>;
}

export function neighbours(
  edges: readonly (readonly [string, string])[]
): INeighbours {
  const found: INeighbours = { after: new Map(), before: new Map() };
  const note = (map: Map<string, string[]>, key: string, id: string): void => {
    const known = map.get(key);
    if (!known) {
      map.set(key, [id]);
    } else if (!known.includes(id)) {
      known.push(id);
    }
  };
  for (const [from, to] of edges) {
    if (from !== to) {
      note(found.after, from, to);
      note(found.before, to, from);
    }
  }
  return found;
}

type Way = 'after' | 'before' | 'previous' | 'next';

const WAYS: Record<Direction, { [key: string]: Way }> = {
  right: {
    ArrowRight: 'after',
    ArrowLeft: 'before',
    ArrowUp: 'previous',
    ArrowDown: 'next'
  },
  down: {
    ArrowDown: 'after',
    ArrowUp: 'before',
    ArrowLeft: 'previous',
    ArrowRight: 'next'
  }
};

/**
 * The node that a key leads to from another: along an edge, or to the next of the same layer.
 *
 * @returns The node; undefined where the key leads nowhere; null for a key that is no step.
 */
export function step(
  key: string,
  from: string,
  layout: ILayout,
  around: INeighbours,
  direction: Direction
): string | undefined | null {
  const here = layout.boxes.get(from);
  if (key === 'Home' || key === 'End') {
    const ids = [...layout.boxes.keys()];
    return ids[key === 'Home' ? 0 : ids.length - 1];
  }
  const way = WAYS[direction][key];
  if (!way || !here) {
    return null;
  }
  const [along, across]: ['x' | 'y', 'x' | 'y'] =
    direction === 'right' ? ['x', 'y'] : ['y', 'x'];
  if (way === 'after' || way === 'before') {
    return nearest(
      (around[way].get(from) ?? []).filter(id => layout.boxes.has(id)),
      layout,
      box => Math.abs(box[across] - here[across])
    );
  }
  const sign = way === 'next' ? 1 : -1;
  const beside = [...layout.boxes.keys()].filter(id => {
    const box = layout.boxes.get(id)!;
    return (
      Math.abs(box[along] - here[along]) < 1 &&
      sign * (box[across] - here[across]) > 0
    );
  });
  return nearest(beside, layout, box => Math.abs(box[across] - here[across]));
}

function nearest(
  ids: string[],
  layout: ILayout,
  distance: (box: IBox) => number
): string | undefined {
  let best: string | undefined;
  let least = Infinity;
  for (const id of ids) {
    const found = distance(layout.boxes.get(id)!);
    if (found < least) {
      best = id;
      least = found;
    }
  }
  return best;
}
